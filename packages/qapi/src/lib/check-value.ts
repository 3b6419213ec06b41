import { builtinKind, checkBuiltin, formatPlace, kindOf, lastName, wrongType, type Place } from "./check-scalar.ts";
import { QmpError } from "./qmp-error.ts";
import {
  force,
  membersOf,
  own,
  resolveType,
  structMembers,
  unionMembers,
  type AlternateType,
  type Member,
  type Members,
  type Schema,
  type TypeOf,
  type TypeReference,
  type UnionType,
} from "./schema.ts";

type Tree = Readonly<Record<string, unknown>>;

/** How a value is looked at. */
interface Reading {
  /** Where the names of types lead. */
  readonly schema: Schema;
  /** What a newer peer may have added is let pass. */
  readonly lenient: boolean;
}

const NO_SCHEMA: Schema = { types: {}, commands: {}, events: {} };

/**
 * Checks a value against a generated type and returns it typed, as QEMU checks arguments: unknown members are refused, a
 * mandatory one that is absent too. Nothing of the input is kept but values of type `any`.
 *
 * @throws QmpError in QEMU's words; the first mistake in the schema's order, unknown members last
 */
export function checkValue<T>(type: TypeOf<T>, value: unknown): T {
  return readType({ schema: NO_SCHEMA, lenient: false }, type, value, undefined) as T;
}

/**
 * Reads a value that a peer sent who may be newer than the schema: members that the type does not know are dropped, a word
 * that its enum does not know is kept, and a union's branch that it does not know adds nothing. What it knows is checked as
 * by {@link checkValue}.
 *
 * @throws QmpError in QEMU's words
 */
export function readValue<T>(type: TypeOf<T>, value: unknown): T {
  return readType({ schema: NO_SCHEMA, lenient: true }, type, value, undefined) as T;
}

/** Reads a value of any type of a schema. @throws QmpError */
export function readReference(schema: Schema, type: TypeReference, value: unknown, lenient: boolean): unknown {
  return readType({ schema, lenient }, type, value, undefined);
}

/** Reads an object with these members. @throws QmpError */
export function readObject(schema: Schema, members: Members, value: unknown, lenient: boolean): unknown {
  return readStruct({ schema, lenient }, membersOf(members), value, undefined);
}

function readType(reading: Reading, reference: TypeReference, value: unknown, place: Place | undefined): unknown {
  if (isList(reference)) return readList(reading, reference[0], value, place);
  const type = resolveType(reading.schema, reference);
  if (typeof type === "string") return checkBuiltin(type, value, place);
  if ("enum" in type) return readEnum(reading, type.enum, value, place);
  if ("alternate" in type) {
    const name = type.name ?? (typeof reference === "string" ? reference : "");
    return readAlternate(reading, name, type, value, place);
  }
  if ("union" in type) return readUnion(reading, type, value, place);
  return readStruct(reading, structMembers(reading.schema, type), value, place);
}

function isList(reference: TypeReference): reference is Extract<TypeReference, readonly unknown[]> {
  return Array.isArray(reference);
}

function checkTree(value: unknown, place: Place | undefined): Tree {
  if (kindOf(value) !== "object") throw wrongType(place, "object");
  return value as Tree;
}

function readList(reading: Reading, type: TypeReference, value: unknown, place: Place | undefined): unknown[] {
  if (!Array.isArray(value)) throw wrongType(place, "array");
  return value.map((item: unknown, key) => readType(reading, type, item, { parent: place, key }));
}

function readEnum(reading: Reading, words: readonly string[], value: unknown, place: Place | undefined): string {
  if (typeof value !== "string") throw wrongType(place, "string");
  if (reading.lenient || words.includes(value)) return value;
  throw new QmpError(`Parameter '${lastName(place)}' does not accept value '${value}'`);
}

function readAlternate(
  reading: Reading,
  name: string,
  { alternate }: AlternateType,
  value: unknown,
  place: Place | undefined,
): unknown {
  const kind = kindOf(value);
  const branch = Object.values(force(alternate)).find((type) => kindOfType(reading.schema, type) === kind);
  if (branch !== undefined) return readType(reading, branch, value, place);
  throw new QmpError(`Invalid parameter type for '${lastName(place)}', expected: ${name}`);
}

function kindOfType(schema: Schema, reference: TypeReference): string | undefined {
  if (isList(reference)) return "array";
  const type = resolveType(schema, reference);
  if (typeof type === "string") return builtinKind(type);
  return "enum" in type ? "string" : "object";
}

function readUnion(reading: Reading, type: UnionType, value: unknown, place: Place | undefined): unknown {
  const tree = checkTree(value, place);
  const out: Record<string, unknown> = {};
  const base = unionMembers(reading.schema, type);
  readMembers(reading, base, tree, place, out);
  const branch = own(force(type.branches), String(out[type.discriminator]));
  const more = branch === undefined ? [] : structMembers(reading.schema, branch);
  readMembers(reading, more, tree, place, out);
  if (!reading.lenient) refuseUnknown([...base, ...more], tree, place);
  return out;
}

function readStruct(reading: Reading, members: readonly Member[], value: unknown, place: Place | undefined): unknown {
  const tree = checkTree(value, place);
  const out: Record<string, unknown> = {};
  readMembers(reading, members, tree, place, out);
  if (!reading.lenient) refuseUnknown(members, tree, place);
  return out;
}

function readMembers(
  reading: Reading,
  members: readonly Member[],
  tree: Tree,
  parent: Place | undefined,
  out: Record<string, unknown>,
): void {
  for (const { name, type, optional } of members) {
    const place: Place = { parent, key: name };
    const value = own(tree, name);
    if (value !== undefined) out[name] = readType(reading, type, value, place);
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
