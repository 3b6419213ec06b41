/** A word of a line, and where it begins. */
interface Word {
  readonly text: string;
  readonly start: number;
}

/** The words of a line. */
export interface SplitLine {
  readonly words: readonly Word[];
  /** The last word has an open quote or bracket, or nothing comes after it: more of it may follow. */
  readonly isOpen: boolean;
  /** A quote or bracket is never closed. */
  readonly isUnfinished: boolean;
}

/**
 * Splits a line at blanks, but not within a value that begins with a quote, a brace or a bracket: `key={"a": 1}`,
 * `key='two words'`. Quotes and brackets stay, they are the value's.
 */
export function splitWords(line: string): SplitLine {
  const words: Word[] = [];
  let at = 0;
  let isUnfinished = false;
  while (at < line.length) {
    if (isBlank(line[at])) {
      at++;
      continue;
    }
    const start = at;
    const end = wordEnd(line, start);
    isUnfinished = end === undefined;
    at = end ?? line.length;
    words.push({ text: line.slice(start, at), start });
  }
  const isOpen = isUnfinished || (words.length > 0 && !isBlank(line.at(-1)));
  return { words, isOpen, isUnfinished };
}

/** Where the word that begins at `start` ends; undefined if it is never closed. */
function wordEnd(line: string, start: number): number | undefined {
  let at = start;
  let depth = 0;
  let isStart = true;
  while (at < line.length && (depth > 0 || !isBlank(line[at]))) {
    const character = line[at] ?? "";
    if ((character === '"' || character === "'") && (depth > 0 || isStart)) {
      const close = quoteEnd(line, at);
      if (close === undefined) return undefined;
      at = close;
    } else if ((character === "{" || character === "[") && (depth > 0 || isStart)) depth++;
    else if ((character === "}" || character === "]") && depth > 0) depth--;
    isStart = character === "=" && depth === 0 && !line.slice(start, at).includes("=");
    at++;
  }
  return depth > 0 ? undefined : at;
}

function quoteEnd(line: string, start: number): number | undefined {
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === line[start]) return at;
  }
  return undefined;
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}
