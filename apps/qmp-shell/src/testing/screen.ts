const ESCAPE = "\u001b";

/** An escape sequence, or a character. */
const PARTS = new RegExp(`${ESCAPE}\\[[?0-9;]*[A-Za-z]|[^]`, "gu");

/** What a terminal shows of the bytes it gets: as much of one as readline needs. */
export class Screen {
  readonly #columns: number;
  readonly #lines: string[] = [""];
  #row = 0;
  #column = 0;
  /** All that came, for what must never come. */
  raw = "";

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** The lines, without blanks at their ends. */
  get text(): string {
    return this.#lines.map((line) => line.trimEnd()).join("\n");
  }

  /** The line that the cursor is in, up to the cursor. */
  get beforeCursor(): string {
    return (this.#lines[this.#row] ?? "").padEnd(this.#column).slice(0, this.#column);
  }

  write(text: string): void {
    this.raw += text;
    for (const [part] of text.matchAll(PARTS)) {
      if (part.length > 1 && part.startsWith(ESCAPE)) this.#control(part.at(-1) ?? "", part.slice(2, -1));
      else this.#character(part);
    }
  }

  #character(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#goTo(this.#row + 1);
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (character >= " ") {
      if (this.#column >= this.#columns) {
        this.#goTo(this.#row + 1);
        this.#column = 0;
      }
      const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column++;
    }
  }

  #control(letter: string, digits: string): void {
    const count = Number(digits === "" ? "1" : digits);
    if (letter === "A") this.#goTo(Math.max(0, this.#row - count));
    else if (letter === "B") this.#goTo(this.#row + count);
    else if (letter === "C") this.#column += count;
    else if (letter === "D") this.#column = Math.max(0, this.#column - count);
    else if (letter === "G") this.#column = count - 1;
    else if (letter === "J" || letter === "K") {
      this.#lines[this.#row] = (this.#lines[this.#row] ?? "").slice(0, this.#column);
      if (letter === "J") this.#lines.length = this.#row + 1;
    }
  }

  #goTo(row: number): void {
    this.#row = row;
    while (this.#lines.length <= row) this.#lines.push("");
  }
}
