import type { Dice } from "./fuzz/dice.ts";
import {
  force,
  membersOf,
  resolveType,
  structMembers,
  unionMembers,
  type Schema,
  type TypeReference,
} from "../lib/schema.ts";

/** Arguments for a command that are nearly right, and never right: at their end is a member that nobody knows. */
export function wrongArguments(dice: Dice, schema: Schema, command: string): string {
  const { data = {} } = schema.commands[command] ?? {};
  const members = typeof data === "string" ? objectOf(dice, schema, data, 4) : listOf(dice, schema, membersOf(data), 4);
  return `{${[...members, '"nobody-knows": 1'].join(", ")}}`;
}

function objectOf(dice: Dice, schema: Schema, reference: TypeReference, depth: number): string[] {
  const type = typeof reference === "string" ? resolveType(schema, reference) : reference;
  if (typeof type !== "object" || !("struct" in type || "union" in type)) return [];
  if ("struct" in type) return listOf(dice, schema, structMembers(schema, type), depth);
  const branches = force(type.branches);
  const word = dice.pick(Object.keys(branches));
  const rest = unionMembers(schema, type).filter(({ name }) => name !== type.discriminator);
  const branch = branches[word];
  const more = branch === undefined ? [] : structMembers(schema, branch);
  const tag = dice.oneIn(12) ? [] : [`${JSON.stringify(type.discriminator)}: ${JSON.stringify(word)}`];
  return [...tag, ...listOf(dice, schema, [...rest, ...more], depth)];
}

function listOf(dice: Dice, schema: Schema, members: ReturnType<typeof membersOf>, depth: number): string[] {
  return members
    .filter(({ optional }) => (optional ? dice.oneIn(4) && depth > 0 : !dice.oneIn(12)))
    .map(({ name, type }) => `${JSON.stringify(name)}: ${valueOf(dice, schema, type, depth - 1)}`);
}

function valueOf(dice: Dice, schema: Schema, reference: TypeReference, depth: number): string {
  if (dice.oneIn(15)) return dice.pick(["5", '"x"', "true", "null", "[]", "{}", '[{"a": 1}]', "1.5"]);
  if (Array.isArray(reference)) {
    return `[${dice
      .some([reference[0]], 2)
      .map((item) => valueOf(dice, schema, item as TypeReference, depth))
      .join(", ")}]`;
  }
  const type = resolveType(schema, reference as string);
  if (typeof type === "string") return scalarOf(type);
  if ("enum" in type) return JSON.stringify(dice.oneIn(15) ? "no-such-word" : dice.pick(type.enum));
  if ("alternate" in type) return valueOf(dice, schema, dice.pick(Object.values(force(type.alternate))), depth);
  return `{${objectOf(dice, schema, reference, depth).join(", ")}}`;
}

function scalarOf(type: string): string {
  if (type === "str" || type === "any") return '"x"';
  if (type === "bool") return "true";
  return type === "null" ? "null" : "7";
}
