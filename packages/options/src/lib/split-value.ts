/** A value and where the text goes on behind the comma that ended it. */
export interface SplitValue {
  readonly value: string;
  readonly next: number;
}

/** Reads a value that starts at `at` and runs to the next single comma; `,,` in it is one literal comma. */
export function splitValue(text: string, at: number): SplitValue {
  const parts: string[] = [];
  let start = at;
  for (;;) {
    const comma = text.indexOf(",", start);
    if (comma < 0) return { value: parts.join("") + text.slice(start), next: text.length };
    if (text[comma + 1] !== ",") {
      return { value: parts.join("") + text.slice(start, comma), next: comma + 1 };
    }
    parts.push(text.slice(start, comma + 1));
    start = comma + 2;
  }
}

/** Where the item that starts at `at` has its first `=` or `,`; the end of the text if it has none. */
export function findDelimiter(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    if (text[i] === "=" || text[i] === ",") return i;
  }
  return text.length;
}
