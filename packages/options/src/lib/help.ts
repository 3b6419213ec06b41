import { findType, resolveMembers, structMembers, type ResolvedMember, type TypeCatalog } from "./type-catalog.ts";
import type { TypeName } from "./type-of.ts";

/** Where QEMU's help texts begin. */
const HELP_COLUMN = 24;

const SHOWN_TYPES: ReadonlyMap<string, string> = new Map([
  ["bool", "bool (on/off)"],
  ["number", "num"],
]);

/**
 * The lines of QEMU's help for a type: `  key=<type>`, and ` - ` and the help from column 24 on. The members of the branch
 * that `choice` names follow those of the union itself; without a choice, the union's choices follow.
 */
export function helpLines<C extends TypeCatalog>(types: C, name: TypeName<C>, choice?: string): string[] {
  const description = findType(types, name);
  if (description === undefined || "enum" in description || "alternate" in description) return [];
  if ("struct" in description) return structMembers(types, name).map((member) => memberLine(types, member));
  const lines = resolveMembers(description.union).map((member) => memberLine(types, member));
  const branch = choice === undefined ? undefined : description.branches[choice];
  if (branch !== undefined) lines.push(...structMembers(types, branch).map((member) => memberLine(types, member)));
  if (choice === undefined) lines.push(...choiceLines(types, description.discriminator, description.branches));
  return lines;
}

function choiceLines(types: TypeCatalog, key: string, branches: Readonly<Record<string, string>>): string[] {
  return Object.entries(branches).map(([value, branch]) => {
    const help = findType(types, branch)?.help;
    return helpLine(`  ${key}=${value}`, help);
  });
}

function memberLine(types: TypeCatalog, member: ResolvedMember): string {
  const notes = [member.help, noteOf(member)].filter((note) => note !== undefined);
  return helpLine(`  ${member.name}=<${typeName(types, member.type)}>`, notes.join(" "));
}

/** Unit, range and default in brackets. */
function noteOf(member: ResolvedMember): string | undefined {
  const notes: string[] = [];
  if (member.unit !== undefined) notes.push(`in ${member.unit}`);
  if (member.min !== undefined) notes.push(`at least ${member.min}`);
  if (member.max !== undefined) notes.push(`at most ${member.max}`);
  if (member.default !== undefined) notes.push(`default ${shownDefault(member.default)}`);
  else if (!member.optional) notes.push("required");
  return notes.length === 0 ? undefined : `(${notes.join(", ")})`;
}

function shownDefault(value: string | number | boolean): string {
  return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
}

function typeName(types: TypeCatalog, type: ResolvedMember["type"]): string {
  if (typeof type !== "string") return `list of ${typeName(types, type[0])}`;
  const description = findType(types, type);
  if (description !== undefined && "enum" in description) return description.enum.join("|");
  return SHOWN_TYPES.get(type) ?? type;
}

function helpLine(head: string, help: string | undefined): string {
  return help === undefined || help === "" ? head : `${head.padEnd(HELP_COLUMN)} - ${help}`;
}
