import { syntaxError, type QapiSchemaError } from "./schema-error.ts";
import type { SourceFile, SourcePlace } from "./source-place.ts";

/** Kinds of tokens; a comment only where comments matter. */
export type TokenKind = "{" | "}" | "[" | "]" | ":" | "," | "string" | "boolean" | "comment" | "end";

/** What is quoted of a text that belongs nowhere; QEMU would quote all of it. */
const MAX_STRAY = 1024;

const isStructural = (text: string): text is "{" | "}" | "[" | "]" | ":" | "," => "{}[]:,".includes(text);

/** Cuts the text of a schema file into tokens, one at a time. */
export class SchemaLexer {
  /** The current token. */
  kind: TokenKind = "end";
  /** Of a string its text, of a comment all of it with its `#`. */
  text = "";
  /** Of a boolean its value. */
  value = false;
  readonly #file: SourceFile;
  readonly #source: string;
  #cursor = 0;
  /** Where the current token begins. */
  #start = 0;
  #line = 1;
  /** The column of the character at `#counted`. */
  #column = 1;
  #counted = 0;

  constructor(file: SourceFile, source: string) {
    this.#file = file;
    const unix = source.replaceAll(/\r\n?/g, "\n");
    this.#source = unix.endsWith("\n") ? unix : `${unix}\n`;
  }

  /** Where the current token begins. */
  get place(): SourcePlace {
    // Goes on from where the last place was asked for: a line may be as long as the file.
    for (const char of this.#source.slice(this.#counted, this.#start)) {
      this.#column = char === "\t" ? Math.ceil(this.#column / 8) * 8 + 1 : this.#column + 1;
    }
    this.#counted = this.#start;
    return { file: this.#file, line: this.#line, column: this.#column };
  }

  /** A complaint about the current token. */
  error(problem: string): QapiSchemaError {
    return syntaxError(this.place, problem);
  }

  /** Goes to the next token. Comments are left out unless they are asked for or begin with `##`. @throws QapiSchemaError */
  advance(wantsComments = false): void {
    for (;;) {
      this.#start = this.#cursor;
      const char = this.#source.charAt(this.#cursor);
      this.#cursor += 1;
      if (char === "#") {
        if (this.#comment(wantsComments)) return;
      } else if (char === "\n") {
        if (this.#newline()) return;
      } else if (isStructural(char)) {
        this.kind = char;
        return;
      } else if (char === "'") {
        this.#string();
        return;
      } else if (!/\s/.test(char)) {
        this.#word();
        return;
      }
    }
  }

  /** True if the comment is a token. */
  #comment(wanted: boolean): boolean {
    const isDoc = this.#source.startsWith("##", this.#start);
    this.#cursor = this.#source.indexOf("\n", this.#cursor);
    if (!wanted && !isDoc) return false;
    this.kind = "comment";
    this.text = this.#source.slice(this.#start, this.#cursor);
    return true;
  }

  /** True at the end. The last newline does not begin another line, so that the end has a place. */
  #newline(): boolean {
    if (this.#cursor === this.#source.length) {
      this.kind = "end";
      this.#cursor = this.#start;
      return true;
    }
    this.#line += 1;
    this.#counted = this.#cursor;
    this.#column = 1;
    return false;
  }

  #string(): void {
    let text = "";
    let from = this.#cursor;
    for (;;) {
      const char = this.#source.charAt(this.#cursor);
      this.#cursor += 1;
      if (char === "\n") throw this.error('missing terminating "\'"');
      if (char === "'") break;
      if (char === "\\") {
        const escaped = this.#source.charAt(this.#cursor);
        if (escaped === "\n") throw this.error('missing terminating "\'"');
        if (escaped !== "\\") throw this.error(`unknown escape \\${escaped}`);
        text += this.#source.slice(from, this.#cursor);
        this.#cursor += 1;
        from = this.#cursor;
      } else if (char < " " || char > "~") throw this.error("funny character in string");
    }
    this.kind = "string";
    this.text = text + this.#source.slice(from, this.#cursor - 1);
  }

  #word(): void {
    for (const word of ["true", "false"]) {
      if (!this.#source.startsWith(word, this.#start)) continue;
      this.kind = "boolean";
      this.value = word === "true";
      this.#cursor = this.#start + word.length;
      return;
    }
    const rest = this.#source.slice(this.#start, this.#start + MAX_STRAY);
    const stray = /^[^[\]{}:,\s'"]+/.exec(rest)?.[0] ?? rest.charAt(0);
    throw this.error(`stray '${stray}'`);
  }
}
