const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** How a piece of text looks on a terminal. */
export type Style = keyof typeof CODES;

/** A piece of a line. Every character of it takes one column. */
export interface Segment {
  readonly text: string;
  readonly style?: Style;
}

/** One line of the terminal, without what ends it. */
export type Line = readonly Segment[];

/** The line with its styles as escape sequences, cut to so many columns. */
export function paint(line: Line, columns: number): string {
  let left = columns;
  let painted = "";
  for (const { text, style } of line) {
    const visible = text.slice(0, left);
    left -= visible.length;
    if (visible === "") continue;
    painted += style === undefined ? visible : `\u001b[${CODES[style]}m${visible}\u001b[0m`;
  }
  return painted;
}
