import { isJsonDouble } from "@rehandle/json";
import { OptionError, type OptionErrorCode } from "./option-error.ts";
import { formatPath, lastName, type Flavour, type Place } from "./place.ts";
import { narrow, readSigned, readUnsigned, type NumberFault } from "./read-integer.ts";
import { readSize } from "./read-size.ts";
import { parseBool } from "./scalars.ts";
import type { MemberDescription } from "./type-catalog.ts";

/** The integer types: signed or not, how many bits, and the name by which QEMU's range errors call them. */
interface IntegerType {
  readonly signed: boolean;
  readonly bits: number;
  readonly cName: string;
  /** True for `size`, which takes suffixes in keyval. */
  readonly isSize?: true;
}

const INTEGERS: ReadonlyMap<string, IntegerType> = new Map<string, IntegerType>([
  ["int", { signed: true, bits: 64, cName: "int64_t" }],
  ["int8", { signed: true, bits: 8, cName: "int8_t" }],
  ["int16", { signed: true, bits: 16, cName: "int16_t" }],
  ["int32", { signed: true, bits: 32, cName: "int32_t" }],
  ["int64", { signed: true, bits: 64, cName: "int64_t" }],
  ["uint8", { signed: false, bits: 8, cName: "uint8_t" }],
  ["uint16", { signed: false, bits: 16, cName: "uint16_t" }],
  ["uint32", { signed: false, bits: 32, cName: "uint32_t" }],
  ["uint64", { signed: false, bits: 64, cName: "uint64_t" }],
  ["size", { signed: false, bits: 64, cName: "uint64_t", isSize: true }],
]);

/** C's `strtod` without hexadecimal, infinity and NaN. */
const FLOAT = /^[ \t\n\v\f\r]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** What kind of value a builtin is, for telling the branches of an alternate apart. */
export function scalarKind(type: string): "string" | "number" | "boolean" | undefined {
  if (type === "str") return "string";
  if (type === "bool") return "boolean";
  return type === "number" || INTEGERS.has(type) ? "number" : undefined;
}

/** A scalar of a tree as the builtin `type`. */
export function convertScalar(
  type: string,
  value: unknown,
  place: Place,
  flavour: Flavour,
  limits: Pick<MemberDescription, "min" | "max">,
): string | number | bigint | boolean {
  if (flavour === "keyval" && typeof value !== "string") {
    const path = formatPath(place, flavour);
    throw new OptionError(`Parameters '${path}.*' are unexpected`, { code: "invalid-type", path });
  }
  const integer = INTEGERS.get(type);
  if (integer !== undefined) return convertInteger(integer, value, place, flavour, limits);
  if (type === "str") return typeof value === "string" ? value : wrongType(place, flavour, "string");
  if (type === "bool") return convertBool(value, place, flavour);
  return convertNumber(value, place, flavour);
}

/** Throws QEMU's error of a value of the wrong kind. */
export function wrongType(place: Place | undefined, flavour: Flavour, expected: string): never {
  const path = formatPath(place, flavour);
  throw new OptionError(`Invalid parameter type for '${path}', expected: ${expected}`, { code: "invalid-type", path });
}

function convertBool(value: unknown, place: Place, flavour: Flavour): boolean {
  if (typeof value === "string" && flavour === "keyval") return parseBool(value, formatPath(place, flavour));
  return typeof value === "boolean" ? value : wrongType(place, flavour, "boolean");
}

function convertNumber(value: unknown, place: Place, flavour: Flavour): number {
  const number = flavour === "keyval" ? readFloat(value as string) : plainNumber(value);
  return Number.isFinite(number) ? number : wrongType(place, flavour, "number");
}

function readFloat(text: string): number {
  return FLOAT.test(text) ? Number(text) : Number.NaN;
}

function plainNumber(value: unknown): number {
  if (isJsonDouble(value)) return value.value;
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : Number.NaN;
}

function convertInteger(
  type: IntegerType,
  value: unknown,
  place: Place,
  flavour: Flavour,
  limits: Pick<MemberDescription, "min" | "max">,
): number | bigint {
  const integer = flavour === "keyval" ? readText(type, value as string) : readJson(type, value);
  if (typeof integer !== "bigint") return notAnInteger(type, place, flavour);
  const [lowest, highest] = rangeOf(type);
  if (integer < lowest || integer > highest) {
    return expects(lastName(place), type.cName, "out-of-range", formatPath(place, flavour));
  }
  const min = limits.min === undefined ? lowest : BigInt(limits.min);
  const max = limits.max === undefined ? highest : BigInt(limits.max);
  if (integer >= min && integer <= max) return narrow(integer);
  const path = formatPath(place, flavour);
  return expects(path, `a number from ${min} to ${max}`, "out-of-range", path);
}

function readText(type: IntegerType, text: string): bigint | NumberFault {
  if (type.isSize === true) {
    const size = readSize(text);
    return typeof size === "string" ? size : size.bytes;
  }
  return type.signed ? readSigned(text) : readUnsigned(text);
}

/** An integer of JSON. For an unsigned type a negative one wraps, as it does in QEMU; the range check of the narrow types refuses it. */
function readJson(type: IntegerType, value: unknown): bigint | undefined {
  const isInteger = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (!isInteger) return undefined;
  const integer = BigInt(value);
  const fits = integer >= -(2n ** 63n) && integer < 2n ** (type.signed ? 63n : 64n);
  if (!fits) return undefined;
  return type.signed ? integer : BigInt.asUintN(64, integer);
}

function rangeOf(type: IntegerType): readonly [bigint, bigint] {
  const bits = BigInt(type.bits);
  return type.signed ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
}

function notAnInteger(type: IntegerType, place: Place, flavour: Flavour): never {
  const path = formatPath(place, flavour);
  if (flavour === "json" && type.signed) return wrongType(place, flavour, "integer");
  const expected = flavour === "json" ? "uint64" : type.isSize === true ? "size" : "integer";
  return expects(path, expected, "invalid-value", path);
}

function expects(name: string, what: string, code: OptionErrorCode, path: string): never {
  throw new OptionError(`Parameter '${name}' expects ${what}`, { code, path });
}
