const COMMA = 0x2c;
const EQUALS = 0x3d;

/** A value and where the text goes on behind the comma that ended it. */
export interface SplitValue {
  readonly value: string;
  readonly next: number;
  /** True if a comma ended it, false if the text did. */
  readonly ended: boolean;
}

/** Reads a value that starts at `at` and runs to the next single comma; `,,` in it is one literal comma. */
export function splitValue(text: string, at: number): SplitValue {
  const first = text.indexOf(",", at);
  if (first < 0) return { value: text.slice(at), next: text.length, ended: false };
  if (text.charCodeAt(first + 1) !== COMMA) return { value: text.slice(at, first), next: first + 1, ended: true };
  return splitEscaped(text, at, first);
}

/** The same for a value that has a `,,` at `comma`. */
function splitEscaped(text: string, at: number, comma: number): SplitValue {
  const parts: string[] = [];
  let start = at;
  let end = comma;
  while (end >= 0 && text.charCodeAt(end + 1) === COMMA) {
    parts.push(text.slice(start, end + 1));
    start = end + 2;
    end = text.indexOf(",", start);
  }
  parts.push(end < 0 ? text.slice(start) : text.slice(start, end));
  return { value: parts.join(""), next: end < 0 ? text.length : end + 1, ended: end >= 0 };
}

/** Where the item that starts at `at` has its first `=` or `,`; the end of the text if it has none. */
export function findDelimiter(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === EQUALS || unit === COMMA) return i;
  }
  return text.length;
}
