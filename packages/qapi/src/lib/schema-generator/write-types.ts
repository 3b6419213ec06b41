import { allCases } from "../schema-language/object-members.ts";
import type {
  AlternateDefinition,
  EnumDefinition,
  QapiSchema,
  StructDefinition,
  TypeDefinition,
  UnionDefinition,
} from "../schema-language/schema-definition.ts";
import { definitionComment } from "./doc-text.ts";
import { arrayPiece, keyText, layOut, objectPiece, type Piece } from "./layout.ts";
import type { TypeNames } from "./type-names.ts";
import { memberLines, memberPieces } from "./write-members.ts";

/** The types, each with a constant of the same name that describes it to the checks. */
export function writeTypes(schema: QapiSchema, names: TypeNames): readonly string[] {
  const writer = new TypeWriter(schema, names);
  return names.definitions.flatMap((definition) =>
    definition.kind === "command" || definition.kind === "event" || names.isImported(definition.name)
      ? []
      : [writer.write(definition)],
  );
}

class TypeWriter {
  readonly #schema: QapiSchema;
  readonly #names: TypeNames;

  constructor(schema: QapiSchema, names: TypeNames) {
    this.#schema = schema;
    this.#names = names;
  }

  write(definition: TypeDefinition): string {
    switch (definition.kind) {
      case "enum":
        return this.#enum(definition);
      case "struct":
        return this.#struct(definition);
      case "union":
        return this.#union(definition);
      default:
        return this.#alternate(definition);
    }
  }

  #enum(definition: EnumDefinition): string {
    const words = definition.values.map(({ name }) => JSON.stringify(name));
    const comment = definitionComment(
      definition,
      definition.doc,
      definition.values.map(({ name }) => name),
      "",
    );
    const type = alternatives(this.#name(definition), words);
    return `${comment}${type}\n${this.#constant(definition, [arrayPiece(words, "enum: ")])}`;
  }

  #struct(definition: StructDefinition): string {
    const { base, members, doc } = definition;
    const comment = definitionComment(definition, doc, [], "");
    const heir = base === undefined ? "" : ` extends ${this.#names.own(base)}`;
    const lines = memberLines(members, doc, this.#names, "  ");
    const body = lines === "" ? "{}" : `{\n${lines}}`;
    const pieces = [...this.#base(base), lazyObject("struct", memberPieces(members, this.#names))];
    const type = `export interface ${this.#name(definition)}${heir} ${body}`;
    return `${comment}${type}\n\n${this.#constant(definition, pieces)}`;
  }

  #union(definition: UnionDefinition): string {
    const { base, discriminator, doc } = definition;
    const inline = typeof base === "string" ? [] : base;
    const name = this.#name(definition);
    const baseName = typeof base === "string" ? this.#names.own(base) : this.#names.claim(`${name}Base`);
    const own =
      typeof base === "string"
        ? ""
        : `/** What all kinds of {@link ${name}} have. */\nexport interface ${baseName} {\n${memberLines(inline, doc, this.#names, "  ")}}\n\n`;
    const cases = allCases(this.#schema, definition).map(({ value, branch }) => {
      const more = branch === undefined ? "" : ` & ${this.#names.typeText(branch.type)}`;
      return `(${baseName} & { ${keyText(discriminator)}: ${JSON.stringify(value)} }${more})`;
    });
    const branches = definition.branches.map(
      (branch) => `${keyText(branch.name)}: ${this.#names.referenceText(branch.type)}`,
    );
    const pieces = [
      ...this.#base(typeof base === "string" ? base : undefined),
      lazyObject("union", memberPieces(inline, this.#names)),
      `discriminator: ${JSON.stringify(discriminator)}`,
      lazyObject("branches", branches),
    ];
    const comment = definitionComment(definition, doc, [], "");
    return `${own}${comment}${alternatives(name, cases)}\n${this.#constant(definition, pieces)}`;
  }

  #alternate(definition: AlternateDefinition): string {
    const { branches, doc } = definition;
    const comment = definitionComment(
      definition,
      doc,
      branches.map(({ name }) => name),
      "",
    );
    const types = [...new Set(branches.map(({ type }) => this.#names.typeText(type)))];
    const members = branches.map(({ name, type }) => `${keyText(name)}: ${this.#names.referenceText(type)}`);
    const pieces = [`name: ${JSON.stringify(definition.name)}`, lazyObject("alternate", members)];
    return `${comment}${alternatives(this.#name(definition), types)}\n${this.#constant(definition, pieces)}`;
  }

  #constant(definition: TypeDefinition, pieces: readonly Piece[]): string {
    const name = this.#name(definition);
    const kind = definition.kind === "struct" ? "StructTypeOf" : "TypeOf";
    const start = `export const ${name}: qapi.${kind}<${name}> = `;
    return start + layOut(objectPiece(pieces), "", start.length, ";\n");
  }

  #base(base: string | undefined): readonly Piece[] {
    return base === undefined ? [] : [`base: () => ${this.#names.own(base)}`];
  }

  #name(definition: TypeDefinition): string {
    return this.#names.own(definition.name) ?? definition.name;
  }
}

function lazyObject(key: string, items: readonly Piece[]): Piece {
  return objectPiece(items, `${key}: () => (`, ")");
}

function alternatives(name: string, texts: readonly string[]): string {
  const [only = "never"] = texts;
  const plain = texts.length > 1 ? texts.join(" | ") : only.replace(/^\((.*)\)$/, "$1");
  const flat = `export type ${name} = ${plain};`;
  // Intersections are easier to read one below the other.
  const areIntersections = texts.length > 1 && texts.some((text) => text.startsWith("(") && text.endsWith(")"));
  if (flat.length <= 120 && !areIntersections) return `${flat}\n`;
  return `export type ${name} =${texts.map((text) => `\n  | ${text}`).join("")};\n`;
}
