import { DocReader, type DocComment } from "./doc-comment.ts";
import { QapiSchemaError, semanticError } from "./schema-error.ts";
import { isExpressionObject, readExpression, type Expression, type ExpressionObject } from "./schema-expression.ts";
import { SchemaLexer } from "./schema-lexer.ts";
import { applyPragma, createPragma, type SchemaPragma } from "./schema-pragma.ts";
import { folderOf, normalizePath, type SourceFile, type SourcePlace } from "./source-place.ts";

/**
 * Gives the text of a file; undefined if there is none. `{ error }` says why it cannot be read, in the system's words. The
 * path is as the schema names it, relative to what was asked for first.
 */
export type ReadSchemaFile = (path: string) => string | { readonly error: string } | undefined;

/** A definition as it is written, not yet looked into. */
export interface RawDefinition {
  readonly place: SourcePlace;
  readonly expression: ExpressionObject;
  readonly doc: DocComment | undefined;
}

/** What all files of a schema say, in their order. */
export interface RawSchema {
  readonly definitions: readonly RawDefinition[];
  readonly pragma: SchemaPragma;
  /** The files that were read, as errors name them. */
  readonly files: readonly string[];
}

/** Files within files, at most. */
const MAX_INCLUSIONS = 100;

/** Reads a schema's file and all that it includes. @throws QapiSchemaError */
export function readSchemaFiles(name: string, readFile: ReadSchemaFile): RawSchema {
  const files = new FileReader(readFile);
  const text = readFile(name);
  if (typeof text !== "string") throw new QapiSchemaError(`can't read schema file '${name}': ${reasonOf(text)}`);
  files.read({ name, includedFrom: undefined }, text);
  return { definitions: files.definitions, pragma: files.pragma, files: [...files.seen.values()] };
}

class FileReader {
  readonly definitions: RawDefinition[] = [];
  readonly pragma: SchemaPragma = createPragma();
  /** Names of the files that were read, by their normal paths. */
  readonly seen = new Map<string, string>();
  readonly #readFile: ReadSchemaFile;

  constructor(readFile: ReadSchemaFile) {
    this.#readFile = readFile;
  }

  read(file: SourceFile, text: string): void {
    this.seen.set(normalizePath(file.name), file.name);
    const lexer = new SchemaLexer(file, text);
    let doc: DocComment | undefined;
    lexer.advance();
    while (lexer.kind !== "end") {
      if (lexer.kind === "comment") {
        requireNoDoc(doc);
        doc = readDocComments(lexer);
        continue;
      }
      const { place } = lexer;
      this.#take(readExpression(lexer), place, doc);
      doc = undefined;
    }
    requireNoDoc(doc);
  }

  #take(expression: Expression, place: SourcePlace, doc: DocComment | undefined): void {
    if (!isExpressionObject(expression)) throw semanticError(place, "top-level expression must be an object");
    const directive = ["include", "pragma"].find((key) => expression.has(key));
    if (directive === undefined) {
      if (doc !== undefined && doc.symbol === undefined) {
        throw semanticError(doc.place, "definition documentation required");
      }
      this.definitions.push({ expression, place, doc });
      return;
    }
    requireNoDoc(doc);
    if (expression.size !== 1) throw semanticError(place, `invalid '${directive}' directive`);
    const value = expression.get(directive);
    if (directive === "include") {
      if (typeof value !== "string") throw semanticError(place, "value of 'include' must be a string");
      this.#include(value, place);
    } else {
      if (!isExpressionObject(value)) throw semanticError(place, "value of 'pragma' must be an object");
      for (const [name, setting] of value) {
        applyPragma(this.pragma, name, setting, (problem) => semanticError(place, problem));
      }
    }
  }

  #include(include: string, place: SourcePlace): void {
    const name = include.startsWith("/") ? include : folderOf(place.file.name) + include;
    const path = normalizePath(name);
    let depth = 0;
    for (let at: SourcePlace | undefined = place; at !== undefined; at = at.file.includedFrom) {
      if (normalizePath(at.file.name) === path) throw semanticError(place, `inclusion loop for ${include}`);
      depth += 1;
    }
    if (this.seen.has(path)) return;
    if (depth > MAX_INCLUSIONS) throw semanticError(place, `inclusion of more than ${MAX_INCLUSIONS} levels`);
    const text = this.#readFile(name);
    if (typeof text !== "string") {
      throw semanticError(place, `can't read include file '${name}': ${reasonOf(text)}`);
    }
    this.read({ name, includedFrom: place }, text);
  }
}

function reasonOf(result: { readonly error: string } | undefined): string {
  return result?.error ?? "No such file or directory";
}

/** A definition's documentation must stand right before the definition. */
function requireNoDoc(doc: DocComment | undefined): void {
  if (doc?.symbol === undefined) return;
  throw semanticError(doc.place, `documentation for '${doc.symbol}' is not followed by the definition`);
}

/** Reads a comment from `##` to `##`, and gives the last of its parts: a heading begins a part of its own. */
function readDocComments(lexer: SchemaLexer): DocComment {
  if (lexer.text !== "##") throw lexer.error("junk after '##' at start of documentation comment");
  const { place } = lexer;
  const begin = (): DocReader => new DocReader(place, (problem) => lexer.error(problem));
  let reader = begin();
  for (lexer.advance(true); lexer.kind === "comment"; lexer.advance(true)) {
    if (lexer.text.startsWith("##")) {
      if (lexer.text !== "##") throw lexer.error("junk after '##' at end of documentation comment");
      const doc = reader.end();
      lexer.advance();
      return doc;
    }
    if (lexer.text.startsWith("# =")) {
      if (reader.isDefinition) throw lexer.error("unexpected '=' markup in definition documentation");
      if (reader.isBegun) reader = begin();
    }
    reader.append(lexer.text);
  }
  throw lexer.error("documentation comment must end with '##'");
}
