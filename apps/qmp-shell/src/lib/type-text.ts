import type { PeerSchema } from "./peer-schema.ts";
import { printable } from "./printable.ts";

/** More words of an enum are not listed. */
const MOST_WORDS = 12;

/** Lists of lists and alternates of alternates do not exist; a peer may claim them, even in circles. */
const DEEPEST = 2;

/** More branches of an alternate are not named. */
const MOST_BRANCHES = 8;

/** A type for people: `int`, `on|off|auto`, `[string]`, `object`, `string or object`. */
export function typeText(schema: PeerSchema, name: string, depth = 0): string {
  const type = schema.types.get(name);
  if (type === undefined || depth > DEEPEST) return "any";
  if (type.kind === "builtin") return BUILTINS.get(type.json) ?? type.json;
  if (type.kind === "enum") return enumText(type.values);
  if (type.kind === "array") return `[${typeText(schema, type.element, depth + 1)}]`;
  if (type.kind === "object") return "object";
  return type.branches
    .slice(0, MOST_BRANCHES)
    .map((branch) => typeText(schema, branch, depth + 1))
    .join(" or ");
}

const BUILTINS: ReadonlyMap<string, string> = new Map([
  ["boolean", "bool"],
  ["value", "any"],
]);

function enumText(values: readonly string[]): string {
  const listed = values.slice(0, MOST_WORDS).map(printable).join("|");
  return values.length > MOST_WORDS ? `${listed}|… (${values.length})` : listed;
}
