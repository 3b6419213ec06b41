import { isJsonDouble, isJsonObject, JsonDouble, parseJsonText, type JsonObject, type JsonValue } from "@rehandle/json";
import { parseBool, parseSize } from "@rehandle/options";
import type { Given } from "./argument-tree.ts";
import type { JsonKind } from "./peer-schema.ts";
import { UsageError } from "./usage-error.ts";

const INTEGER = /^[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)$/;
const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** What QEMU calls the kinds of value in its errors. */
const KIND_WORDS: Readonly<Record<JsonKind, string>> = {
  string: "string",
  number: "number",
  int: "integer",
  boolean: "boolean",
  null: "null",
  object: "object",
  array: "array",
  value: "any",
};

/** QEMU's error of a value of the wrong kind. */
export function wrongType(path: string, expected: string): UsageError {
  return new UsageError(`Invalid parameter type for '${path}', expected: ${expected}`);
}

/** True for a text that is meant as a JSON object or array. */
export function looksLikeJson(text: string): boolean {
  return text.startsWith("{") || text.startsWith("[");
}

/** A text that is meant as JSON. @throws UsageError in QEMU's words */
export function parseJsonArgument(text: string): JsonValue {
  const { value, error } = parseJsonText(text);
  if (error !== undefined) throw new UsageError(error);
  return value;
}

/** What a value means where no type is known: JSON if it looks like it, else a text. Quotes make it a text. */
export function guessValue(given: Given): JsonValue {
  if (given.kind === "json") return given.value;
  if (given.kind === "tree") return guessTree(given.members);
  const { text, isQuoted } = given;
  if (isQuoted) return text;
  if (looksLikeJson(text)) return parseJsonArgument(text);
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  if (INTEGER.test(text)) return readInteger(text) ?? text;
  return NUMBER.test(text) ? new JsonDouble(Number(text)) : text;
}

function guessTree(members: ReadonlyMap<string, Given>): JsonValue {
  const keys = [...members.keys()];
  if (keys.every((key, i) => key === String(i))) return [...members.values()].map(guessValue);
  const object = Object.create(null) as JsonObject;
  for (const [key, member] of members) object[key] = guessValue(member);
  return object;
}

/** A value as one of the builtin types. @throws UsageError in QEMU's words */
export function typeBuiltin(json: JsonKind, given: Given, path: string): JsonValue {
  if (json === "value") return guessValue(given);
  if (given.kind === "tree") throw new UsageError(`Parameters '${path}.*' are unexpected`);
  if (given.kind === "text") return typeText(json, given.text, path);
  if (kindOf(given.value) === json || (json === "number" && kindOf(given.value) === "int")) return given.value;
  throw wrongType(path, KIND_WORDS[json]);
}

/** A text as one of the builtin types. */
function typeText(json: JsonKind, text: string, path: string): JsonValue {
  if (json === "string") return text;
  if (json === "boolean") return saidOtherwise(() => parseBool(text, path));
  if (json === "int") return typeInteger(text, path);
  if (json === "null" && text === "null") return null;
  if (json === "number" && INTEGER.test(text)) return readInteger(text) ?? new JsonDouble(Number(text));
  if (json === "number" && NUMBER.test(text)) return new JsonDouble(Number(text));
  throw wrongType(path, KIND_WORDS[json]);
}

/** Introspection has no name for sizes, so that any integer may have a size's suffix. */
function typeInteger(text: string, path: string): number | bigint {
  const size = INTEGER.test(text) ? readInteger(text) : readSize(text);
  if (size === undefined) throw new UsageError(`Parameter '${path}' expects integer`);
  return size;
}

function readSize(text: string): number | bigint | undefined {
  try {
    return parseSize(text, "");
  } catch {
    return undefined;
  }
}

/** Undefined if 64 bits cannot hold it. */
function readInteger(text: string): number | bigint | undefined {
  const isNegative = text.startsWith("-");
  const magnitude = BigInt(text.replace(/^[+-]/, ""));
  const integer = isNegative ? -magnitude : magnitude;
  if (integer < -(2n ** 63n) || integer >= 2n ** 64n) return undefined;
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

/** The other package's errors are ours, too: nothing was sent. */
function saidOtherwise<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), [], { cause: error });
  }
}

/** Which builtin type a JSON value has. */
export function kindOf(value: JsonValue): JsonKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number" || typeof value === "bigint") return "int";
  if (isJsonDouble(value)) return "number";
  if (isJsonObject(value)) return "object";
  return typeof value === "string" ? "string" : "boolean";
}
