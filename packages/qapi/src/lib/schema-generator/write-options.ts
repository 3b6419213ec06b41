import { baseMembers } from "../schema-language/object-members.ts";
import type { QapiSchema, SchemaMember, TypeDefinition } from "../schema-language/schema-definition.ts";
import { namesUsed } from "../schema-language/select-defined.ts";
import { arrayPiece, keyText, layOut, objectPiece, type Piece } from "./layout.ts";

/**
 * The types that these names lead to, as a catalog of `@rehandle/options`: a command line that has it takes what the
 * schema's commands take. The documentation becomes the help.
 *
 * @throws Error for a name that is no type of the schema
 */
export function writeOptions(schema: QapiSchema, roots: readonly string[], constant: string): string {
  const types = [...reachable(schema, roots)].map((name) => typePiece(schema, schema.types.get(name)!));
  const start = `export const ${constant} = `;
  return `/** Types of the command line, for \`defineOption\`. */\n${start}${layOut(objectPiece(types), "", Infinity, " as const;\n")}`;
}

/** Names of types in the order of the schema. */
function reachable(schema: QapiSchema, roots: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const pending = [...roots];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const type = schema.types.get(name);
    if (type === undefined && roots.includes(name)) throw new Error(`no type '${name}'`);
    if (type === undefined || found.has(name)) continue;
    found.add(name);
    pending.push(...namesUsed(type));
  }
  return schema.definitions.map(({ name }) => name).filter((name) => found.has(name));
}

function typePiece(schema: QapiSchema, type: TypeDefinition): Piece {
  return objectPiece(typePieces(schema, type), `${keyText(type.name)}: `);
}

function typePieces(schema: QapiSchema, type: TypeDefinition): readonly Piece[] {
  const help = helpPieces(sentence(type.doc?.body));
  const documented = (members: readonly SchemaMember[]): readonly Piece[] =>
    members.map((member) => memberPiece(member, type));
  switch (type.kind) {
    case "enum":
      return [
        ...help,
        arrayPiece(
          type.values.map(({ name }) => JSON.stringify(name)),
          "enum: ",
        ),
      ];
    case "struct": {
      const base = type.base === undefined ? [] : [`base: ${JSON.stringify(type.base)}`];
      return [...help, ...base, objectPiece(documented(type.members), "struct: ")];
    }
    case "union":
      return [
        ...help,
        objectPiece(documented(baseMembers(schema, type)), "union: "),
        `discriminator: ${JSON.stringify(type.discriminator)}`,
        objectPiece(type.branches.map(branchPiece), "branches: "),
      ];
    default:
      return [...help, objectPiece(type.branches.map(branchPiece), "alternate: ")];
  }
}

function memberPiece({ name, type, isOptional }: SchemaMember, { doc }: TypeDefinition): Piece {
  const key = keyText(isOptional ? `*${name}` : name);
  return objectPiece([`type: ${referenceText(type)}`, ...helpPieces(doc?.members.get(name))], `${key}: `);
}

function branchPiece({ name, type }: { name: string; type: SchemaMember["type"] }): Piece {
  return `${keyText(name)}: ${referenceText(type)}`;
}

function referenceText({ name, isArray }: SchemaMember["type"]): string {
  const text = JSON.stringify(name);
  return isArray ? `[${text}]` : text;
}

function helpPieces(text: string | undefined): readonly Piece[] {
  const line = text?.replaceAll(/\s+/g, " ").replaceAll(/(?<!\w)@(?=\w)/g, "");
  return line === undefined || line === "" ? [] : [`help: ${JSON.stringify(line)}`];
}

/** The first sentence as the help of an option has it: a small letter first and no full stop. */
function sentence(body: string | undefined): string | undefined {
  const [first = ""] = (body ?? "").split(/\.(?:\s|$)/);
  return /^[A-Z](?:[a-z]| )/.test(first) ? first.charAt(0).toLowerCase() + first.slice(1) : first;
}
