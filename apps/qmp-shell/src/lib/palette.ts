/** Ways to mark a text at a terminal; without colour they leave it alone. */
export interface Palette {
  key(text: string): string;
  string(text: string): string;
  number(text: string): string;
  keyword(text: string): string;
  event(text: string): string;
  error(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

/** Escape sequences if `coloured`. */
export function createPalette(coloured: boolean): Palette {
  const mark = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    key: mark(34),
    string: mark(32),
    number: mark(36),
    keyword: mark(35),
    event: mark(33),
    error: mark(31),
    bold: mark(1),
    dim: mark(2),
  };
}
