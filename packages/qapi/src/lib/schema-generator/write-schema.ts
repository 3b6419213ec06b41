import type { CommandDefinition, EventDefinition } from "../schema-language/schema-definition.ts";
import { definitionComment } from "./doc-text.ts";
import { keyText, layOut, objectPiece, type Piece } from "./layout.ts";
import type { TypeNames } from "./type-names.ts";
import { memberLines, memberPieces } from "./write-members.ts";

const PREFIX = "types.";

/** The map of commands and events for TypeScript, and the schema for the checks. `name` begins their names: `Qmp`. */
export function writeSchema(names: TypeNames, name: string): readonly string[] {
  const commands = names.definitions.filter((definition) => definition.kind === "command");
  const events = names.definitions.filter((definition) => definition.kind === "event");
  const constant = `${name.charAt(0).toLowerCase()}${name.slice(1)}Schema`;
  const map = `qapi.TypedSchema<${name}Commands, ${name}Events>`;
  return [
    `/** The commands by name: what they take and what they return, if anything. */
export interface ${name}Commands {\n${commands.map((command) => commandEntry(command, names)).join("")}}\n`,
    `/** The events by name: what comes with them, if anything. */
export interface ${name}Events {\n${events.map((event) => eventEntry(event, names)).join("")}}\n`,
    `/** What a monitor speaks, for \`QmpClient\` and \`QmpServer\`. */\nexport interface ${name}Schema extends ${map} {}\n`,
    `/** {@link ${name}Schema} as data, for the checks. */
export const ${constant}: ${name}Schema = {
  types: {},
${table(
  "commands",
  commands.map((command) => commandPiece(command, names)),
)}${table(
      "events",
      events.map((event) => eventPiece(event, names)),
    )}};\n`,
  ];
}

function commandEntry(definition: CommandDefinition, names: TypeNames): string {
  const { returns, isChecked } = definition;
  const parts = [argumentText(definition, "arguments", names, isChecked)];
  if (returns !== undefined) parts.push(`returns: ${names.typeText(returns, PREFIX)}`);
  return entry(definition, parts);
}

function eventEntry(definition: EventDefinition, names: TypeNames): string {
  return entry(definition, [argumentText(definition, "data", names, true)]);
}

function entry(definition: CommandDefinition | EventDefinition, parts: readonly string[]): string {
  const filled = parts.filter((part) => part !== "");
  const comment = definitionComment(definition, definition.doc, [], "  ");
  const key = keyText(definition.name);
  const flat = filled.length === 0 ? "{}" : `{ ${filled.join("; ")} }`;
  const fits = !flat.includes("\n") && flat.length + key.length < 110;
  const body = fits ? flat : `{\n${filled.map((part) => `    ${part};\n`).join("")}  }`;
  return `${comment}  ${key}: ${body};\n`;
}

/** `arguments: …` or `data: …`; nothing if there is nothing. */
function argumentText(
  { data, doc }: CommandDefinition | EventDefinition,
  key: string,
  names: TypeNames,
  isChecked: boolean,
): string {
  if (typeof data === "string") return `${key}: ${names.typeText({ name: data, isArray: false }, PREFIX)}`;
  if (data === undefined || data.length === 0) return "";
  const more = isChecked ? "" : "      [more: string]: unknown;\n";
  return `${key}: {\n${memberLines(data, doc, names, "      ", PREFIX)}${more}    }`;
}

function commandPiece(definition: CommandDefinition, names: TypeNames): Piece {
  const { name, returns, isChecked, allowsOob } = definition;
  const parts = dataPieces(definition, names);
  if (returns !== undefined) parts.push(`returns: ${names.referenceText(returns, PREFIX)}`);
  if (!isChecked) parts.push("gen: false");
  if (allowsOob) parts.push('"allow-oob": true');
  return objectPiece(parts, `${keyText(name)}: `);
}

function eventPiece(definition: EventDefinition, names: TypeNames): Piece {
  return objectPiece(dataPieces(definition, names), `${keyText(definition.name)}: `);
}

function dataPieces({ data }: CommandDefinition | EventDefinition, names: TypeNames): Piece[] {
  if (typeof data === "string") return [`boxed: ${names.referenceText({ name: data, isArray: false }, PREFIX)}`];
  if (data === undefined || data.length === 0) return [];
  return [objectPiece(memberPieces(data, names, PREFIX), "data: ")];
}

/** A property that is an object with a line for each item. */
function table(key: string, items: readonly Piece[]): string {
  if (items.length === 0) return `  ${key}: {},\n`;
  return `  ${key}: {\n${items.map((item) => `    ${layOut(item, "    ", 4, ",\n")}`).join("")}  },\n`;
}
