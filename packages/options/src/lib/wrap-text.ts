/** How a text is put into lines. */
export interface WrapOptions {
  /** Columns that there are. */
  readonly width: number;
  /** What stands before the first line. */
  readonly first: string;
  /** What stands before the others. */
  readonly margin: string;
  /** What stands between two words of a line. Default: a blank */
  readonly between?: string;
}

/** Fills lines with words; one that is too long for a line stands there alone. */
export function wrapWords(words: readonly string[], { width, first, margin, between = " " }: WrapOptions): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of words) {
    if (!isEmpty && line.length + between.length + word.length > width) {
      lines.push(line);
      line = margin;
      isEmpty = true;
    }
    line += isEmpty ? word : between + word;
    isEmpty = false;
  }
  return [...lines, line].map((text) => text.trimEnd());
}

/** A text of one paragraph in lines. */
export function wrapText(text: string, options: WrapOptions): string[] {
  return wrapWords(text.split(/\s+/), options);
}

/** A line of help as a sentence. */
export function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
