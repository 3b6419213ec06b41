import { builtinKind, checkBuiltin, formatPlace, kindOf, lastName, wrongType, type Place } from "./check-scalar.ts";
import { QmpError } from "./qmp-error.ts";
import {
  membersOf,
  own,
  structMembers,
  type AlternateType,
  type Member,
  type Schema,
  type TypeReference,
  type UnionType,
} from "./schema.ts";
import type { ArgumentsOf, CommandName } from "./schema-types.ts";

type Tree = Readonly<Record<string, unknown>>;

/**
 * Checks the arguments of a command against the schema and returns them typed: unknown members are refused, a mandatory
 * one that is absent too. Nothing of the input is kept but values of type `any`.
 *
 * @throws QmpError in QEMU's words; the first mistake in the schema's order, unknown members last
 */
export function checkArguments<const S extends Schema, N extends CommandName<S>>(
  schema: S,
  command: N,
  value: unknown = {},
): ArgumentsOf<S, N> {
  const data = own(schema.commands, command)?.data ?? {};
  const checked =
    typeof data === "string"
      ? checkType(schema, data, value, undefined)
      : checkMembers(schema, membersOf(data), checkTree(value, undefined), undefined);
  return checked as ArgumentsOf<S, N>;
}

function checkType(schema: Schema, type: TypeReference, value: unknown, place: Place | undefined): unknown {
  if (typeof type !== "string") return checkList(schema, type[0], value, place);
  const definition = own(schema.types, type);
  if (definition === undefined) return checkBuiltin(type, value, place);
  if ("enum" in definition) return checkEnum(definition.enum, value, place);
  if ("alternate" in definition) return checkAlternate(schema, type, definition, value, place);
  const tree = checkTree(value, place);
  if ("union" in definition) return checkUnion(schema, definition, tree, place);
  return checkMembers(schema, structMembers(schema, type), tree, place);
}

function checkTree(value: unknown, place: Place | undefined): Tree {
  if (kindOf(value) !== "object") throw wrongType(place, "object");
  return value as Tree;
}

function checkList(schema: Schema, type: string, value: unknown, place: Place | undefined): unknown[] {
  if (!Array.isArray(value)) throw wrongType(place, "array");
  return value.map((item: unknown, key) => checkType(schema, type, item, { parent: place, key }));
}

function checkEnum(words: readonly string[], value: unknown, place: Place | undefined): string {
  if (typeof value !== "string") throw wrongType(place, "string");
  if (words.includes(value)) return value;
  throw new QmpError(`Parameter '${lastName(place)}' does not accept value '${value}'`);
}

function checkAlternate(
  schema: Schema,
  name: string,
  definition: AlternateType,
  value: unknown,
  place: Place | undefined,
): unknown {
  const kind = kindOf(value);
  const branch = Object.values(definition.alternate).find((type) => kindOfType(schema, type) === kind);
  if (branch !== undefined) return checkType(schema, branch, value, place);
  throw new QmpError(`Invalid parameter type for '${lastName(place)}', expected: ${name}`);
}

function kindOfType(schema: Schema, type: TypeReference): string | undefined {
  if (typeof type !== "string") return "array";
  const definition = own(schema.types, type);
  if (definition === undefined) return builtinKind(type);
  return "enum" in definition ? "string" : "object";
}

function checkUnion(schema: Schema, definition: UnionType, tree: Tree, place: Place | undefined): unknown {
  const out: Record<string, unknown> = {};
  const base = membersOf(definition.union);
  readMembers(schema, base, tree, place, out);
  const branch = own(definition.branches, String(out[definition.discriminator]));
  const more = branch === undefined ? [] : structMembers(schema, branch);
  readMembers(schema, more, tree, place, out);
  refuseUnknown([...base, ...more], tree, place);
  return out;
}

function checkMembers(schema: Schema, members: readonly Member[], tree: Tree, place: Place | undefined): unknown {
  const out: Record<string, unknown> = {};
  readMembers(schema, members, tree, place, out);
  refuseUnknown(members, tree, place);
  return out;
}

function readMembers(
  schema: Schema,
  members: readonly Member[],
  tree: Tree,
  parent: Place | undefined,
  out: Record<string, unknown>,
): void {
  for (const { name, type, optional } of members) {
    const place: Place = { parent, key: name };
    const value = own(tree, name);
    if (value !== undefined) out[name] = checkType(schema, type, value, place);
    else if (!optional) throw new QmpError(`Parameter '${formatPlace(place)}' is missing`);
  }
}

function refuseUnknown(members: readonly Member[], tree: Tree, parent: Place | undefined): void {
  const names = new Set(members.map((member) => member.name));
  const unknown = Object.keys(tree).find((key) => !names.has(key));
  if (unknown !== undefined) {
    throw new QmpError(`Parameter '${formatPlace({ parent, key: unknown })}' is unexpected`);
  }
}
