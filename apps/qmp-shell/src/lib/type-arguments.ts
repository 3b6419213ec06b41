import type { JsonObject, JsonValue } from "@rehandle/json";
import { nearestHint } from "@rehandle/options";
import type { Given, GivenMembers } from "./argument-tree.ts";
import { membersFor, type Member, type PeerCommand, type PeerSchema, type PeerType } from "./peer-schema.ts";
import { guessValue, kindOf, looksLikeJson, parseJsonArgument, typeBuiltin, wrongType } from "./type-value.ts";
import { UsageError } from "./usage-error.ts";

/** Commands that take more than their type says: the members of a device are the device's business. */
const OPEN_COMMANDS: ReadonlySet<string> = new Set(["device_add"]);

type ObjectType = Extract<PeerType, { kind: "object" }>;

/**
 * The arguments of a command as its types want them; as they look, if the peer does not tell its types.
 *
 * @throws UsageError in QEMU's words: the first mistake in the schema's order, unknown members last
 */
export function typeArguments(schema: PeerSchema, command: PeerCommand, members: GivenMembers): JsonObject {
  const type = command.argumentType === undefined ? undefined : schema.types.get(command.argumentType);
  if (type?.kind === "object") {
    return new ArgumentTyper(schema).object(type, members, "", OPEN_COMMANDS.has(command.name));
  }
  const object = Object.create(null) as JsonObject;
  for (const [key, member] of members) object[key] = guessValue(member);
  return object;
}

class ArgumentTyper {
  readonly #schema: PeerSchema;

  constructor(schema: PeerSchema) {
    this.#schema = schema;
  }

  object(type: ObjectType, given: GivenMembers, path: string, isOpen = false): JsonObject {
    const object = Object.create(null) as JsonObject;
    this.#members(type.members, given, path, object);
    const tagValue = type.tag === undefined ? undefined : object[type.tag];
    const all = membersFor(this.#schema, type, tagValue);
    this.#members(all.slice(type.members.length), given, path, object);
    const names = new Set(all.map(({ name }) => name));
    for (const [key, value] of given) {
      if (names.has(key)) continue;
      if (!isOpen) throw new UsageError(`Parameter '${join(path, key)}' is unexpected`, nearestHint(key, names));
      object[key] = guessValue(value);
    }
    return object;
  }

  #members(members: readonly Member[], given: GivenMembers, path: string, object: JsonObject): void {
    for (const { name, type, optional } of members) {
      const value = given.get(name);
      if (value !== undefined) object[name] = this.#value(type, value, join(path, name), name);
      else if (!optional) throw new UsageError(`Parameter '${join(path, name)}' is missing`);
    }
  }

  /** `name` is what QEMU calls the value where it does not write the whole path. */
  #value(typeName: string, given: Given, path: string, name: string): JsonValue {
    const type = this.#schema.types.get(typeName);
    if (type === undefined) return guessValue(given);
    if (type.kind === "builtin") return typeBuiltin(type.json, given, path);
    if (type.kind === "enum") return enumValue(type.values, typeBuiltin("string", given, path) as string, name);
    if (type.kind === "object") return this.object(type, membersOf(given, path), path);
    if (type.kind === "alternate") return this.#alternate(type.branches, given, path, name);
    return elementsOf(given, path).map(([index, element]) => this.#value(type.element, element, index, "null"));
  }

  /** The branch that fits; a text may be meant as several things, and then is the least free of them. */
  #alternate(branches: readonly string[], given: Given, path: string, name: string): JsonValue {
    const known = branches.map((type) => ({ type, kind: this.#kindOf(type) }));
    for (const kind of kindsOf(given)) {
      const branch = known.find((candidate) => candidate.kind === kind);
      if (branch === undefined) continue;
      if (given.kind !== "text" || kind === "string") return this.#value(branch.type, given, path, name);
      const value = attempt(() => this.#value(branch.type, given, path, name));
      if (value !== undefined) return value;
    }
    throw wrongType(path, known.map(({ kind }) => kind).join(" or "));
  }

  #kindOf(typeName: string): string {
    const type = this.#schema.types.get(typeName);
    if (type === undefined) return "value";
    if (type.kind === "builtin") return type.json;
    return type.kind === "enum" ? "string" : type.kind;
  }
}

/** The kinds of branch that a value may mean, in the order in which they are tried. */
function kindsOf(given: Given): readonly string[] {
  if (given.kind === "tree") return ["object", "array"];
  if (given.kind === "json") {
    const kind = kindOf(given.value);
    return kind === "int" ? ["int", "number"] : [kind];
  }
  if (given.isQuoted) return ["string"];
  if (looksLikeJson(given.text)) return [given.text.startsWith("{") ? "object" : "array", "string"];
  return ["null", "boolean", "int", "number", "string"];
}

function attempt(convert: () => JsonValue): JsonValue | undefined {
  try {
    return convert();
  } catch {
    return undefined;
  }
}

function enumValue(values: readonly string[], value: string, name: string): string {
  if (values.includes(value)) return value;
  throw new UsageError(`Parameter '${name}' does not accept value '${value}'`, nearestHint(value, values));
}

/** The members of what is to be an object. */
function membersOf(given: Given, path: string): GivenMembers {
  if (given.kind === "tree") return given.members;
  const value = given.kind === "json" ? given.value : jsonOf(given.text);
  if (value === undefined || kindOf(value) !== "object") throw wrongType(path, "object");
  return new Map(Object.entries(value as JsonObject).map(([key, member]) => [key, { kind: "json", value: member }]));
}

/** The elements of what is to be an array, each with its path. */
function elementsOf(given: Given, path: string): [path: string, element: Given][] {
  if (given.kind === "tree") return indexed(given.members, path);
  const value = given.kind === "json" ? given.value : jsonOf(given.text);
  if (!Array.isArray(value)) throw wrongType(path, "array");
  return value.map((element, i) => [`${path}[${i}]`, { kind: "json", value: element }]);
}

function indexed(members: GivenMembers, path: string): [path: string, element: Given][] {
  if ([...members.keys()].some((key) => !/^[0-9]+$/.test(key))) throw wrongType(path, "array");
  return Array.from(members, (_, i) => {
    const element = members.get(String(i));
    if (element === undefined) throw new UsageError(`Parameter '${path}.${i}' missing`);
    return [`${path}.${i}`, element];
  });
}

function jsonOf(text: string): JsonValue | undefined {
  return looksLikeJson(text) ? parseJsonArgument(text) : undefined;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
