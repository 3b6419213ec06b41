import type { SourcePlace } from "./source-place.ts";

/** A tagged part of a documentation comment, or one without a tag behind the descriptions of the members. */
export interface DocSection {
  /** `Returns`, `Since`, `Note`, `Notes`, `Example`, `Examples` or `TODO`. */
  readonly tag: string | undefined;
  readonly text: string;
}

/** A documentation comment: of a definition if it names one, else free text. */
export interface DocComment {
  readonly place: SourcePlace;
  /** The definition that it is about. */
  readonly symbol: string | undefined;
  /** What comes before the members. */
  readonly body: string;
  /** Descriptions of members, values, branches or arguments. */
  readonly members: ReadonlyMap<string, string>;
  readonly features: ReadonlyMap<string, string>;
  readonly sections: readonly DocSection[];
}

/** Which lines may follow. */
type Part = "body" | "members" | "features" | "sections";

interface OpenSection {
  /** A member, a feature, or a tag; undefined for text of its own. */
  readonly name: string | undefined;
  /** Columns that its lines are indented by. */
  readonly indent: number;
  readonly lines: string[];
  /** Takes the text when the section is over. */
  readonly close: (text: string) => void;
}

const TAGS: ReadonlySet<string> = new Set(["Returns", "Since", "Note", "Notes", "Example", "Examples", "TODO"]);

/** Reads a documentation comment, line by line. */
export class DocReader {
  readonly #place: SourcePlace;
  readonly #error: (problem: string) => Error;
  readonly #members = new Map<string, string>();
  readonly #features = new Map<string, string>();
  readonly #sections: DocSection[] = [];
  /** Tags that have been begun, the last section's included. */
  readonly #tags: (string | undefined)[] = [];
  #symbol: string | undefined;
  #body = "";
  #part: Part = "body";
  #open: OpenSection;

  /** `error` makes a complaint about the current line. */
  constructor(place: SourcePlace, error: (problem: string) => Error) {
    this.#place = place;
    this.#error = error;
    this.#open = { name: undefined, indent: 0, lines: [], close: (text) => (this.#body = text) };
  }

  /** True once the comment is known to be of a definition. */
  get isDefinition(): boolean {
    return this.#symbol !== undefined;
  }

  /** True once there is text. */
  get isBegun(): boolean {
    return this.#open.lines.length > 0;
  }

  /** Takes a line with its `#`. @throws what `error` makes */
  append(comment: string): void {
    const line = comment.slice(1);
    if (line === "") this.#text(line);
    else if (line.startsWith(" ")) this.#line(line.slice(1));
    else throw this.#error("missing space after #");
  }

  /** Ends the comment. @throws what `error` makes */
  end(): DocComment {
    this.#close();
    return {
      place: this.#place,
      symbol: this.#symbol,
      body: this.#body,
      members: this.#members,
      features: this.#features,
      sections: this.#sections,
    };
  }

  #line(line: string): void {
    if (!this.isDefinition) return this.#isBodyEmpty() && line.startsWith("@") ? this.#name(line) : this.#text(line);
    const word = line.split(" ", 1)[0] ?? "";
    const tag = word.endsWith(":") ? word.slice(0, -1) : "";
    if (tag.startsWith("@")) this.#described(tag.slice(1), line);
    else if (TAGS.has(tag)) this.#tagged(tag, line);
    else if (line === "Features:" && (this.#part === "body" || (this.#part === "members" && this.#isAfterBlank()))) {
      this.#part = "features";
    } else if ((this.#part === "members" || this.#part === "features") && this.#isAfterBlank() && /^\S/.test(line)) {
      this.#section(undefined, 0);
      this.#text(line);
    } else this.#text(line);
  }

  #name(line: string): void {
    if (!line.endsWith(":")) throw this.#error("line should end with ':'");
    this.#symbol = line.slice(1, -1);
    if (this.#symbol === "") throw this.#error("invalid name");
  }

  #described(name: string, line: string): void {
    if (this.#part === "sections") throw this.#error(`'@${name}:' can't follow '${this.#tags[0] ?? "None"}' section`);
    if (this.#part === "body") this.#part = "members";
    if (name === "") throw this.#error("invalid parameter name");
    const table = this.#part === "features" ? this.#features : this.#members;
    if (table.has(name)) throw this.#error(`'${name}' parameter name duplicated`);
    this.#begin(name, line, (text) => table.set(name, text));
    table.set(name, "");
  }

  #tagged(tag: string, line: string): void {
    if ((tag === "Returns" || tag === "Since") && this.#tags.includes(tag)) {
      throw this.#error(`duplicated '${tag}' section`);
    }
    this.#part = "sections";
    this.#tags.push(tag);
    this.#begin(tag, line, (text) => this.#sections.push({ tag, text }));
  }

  #section(tag: undefined, indent: number): void {
    this.#close();
    this.#part = "sections";
    this.#tags.push(tag);
    this.#open = { name: tag, indent, lines: [], close: (text) => this.#sections.push({ tag, text }) };
  }

  /** Begins a section whose first line may have text behind the colon; then the others are indented as far. */
  #begin(name: string, line: string, close: (text: string) => void): void {
    this.#close();
    const indent = /^\S*:\s*/.exec(line)?.[0].length ?? 0;
    const rest = line.slice(indent);
    this.#open = { name, indent: rest === "" ? 0 : indent, lines: [], close };
    this.#open.lines.push(rest.trimEnd());
  }

  #text(line: string): void {
    const symbol = /^@\S+:/.exec(line)?.[0];
    if (symbol !== undefined) throw this.#error(`'${symbol}' not allowed in free-form documentation`);
    const { indent, lines } = this.#open;
    if (line !== "" && line.search(/\S|$/) < indent) {
      throw this.#error(`unexpected de-indent (expected at least ${indent} spaces)`);
    }
    lines.push(line.slice(indent).trimEnd());
  }

  #close(): void {
    const { name, lines, close } = this.#open;
    const text = lines.join("\n").trim();
    if (name !== undefined && text === "") throw this.#error(`empty doc section '${name}'`);
    close(text);
  }

  #isBodyEmpty(): boolean {
    return this.#part === "body" && this.#open.lines.length === 0;
  }

  #isAfterBlank(): boolean {
    return this.#open.lines.length > 1 && this.#open.lines.at(-1) === "";
  }
}
