import type { DocComment } from "../schema-language/doc-comment.ts";
import type { SchemaMember } from "../schema-language/schema-definition.ts";
import { memberComment } from "./doc-text.ts";
import { keyText, type Piece } from "./layout.ts";
import type { TypeNames } from "./type-names.ts";

/** The members as lines of an interface. */
export function memberLines(
  members: readonly SchemaMember[],
  doc: DocComment | undefined,
  names: TypeNames,
  indent: string,
  prefix = "",
): string {
  return members
    .map((member) => {
      const { name, type, isOptional } = member;
      const text = `${keyText(name)}${isOptional ? "?" : ""}: ${names.typeText(type, prefix)};`;
      return `${memberComment(name, member, doc, indent)}${indent}${text}\n`;
    })
    .join("");
}

/** The members as properties of a description. */
export function memberPieces(members: readonly SchemaMember[], names: TypeNames, prefix = ""): readonly Piece[] {
  return members.map(({ name, type, isOptional }) => {
    const key = keyText(isOptional ? `*${name}` : name);
    return `${key}: ${names.referenceText(type, prefix)}`;
  });
}
