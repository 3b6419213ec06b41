import { isJsonDouble } from "@rehandle/json";
import { QmpError } from "./qmp-error.ts";

/** Where a value lies; undefined is the arguments themselves. Written out only when an error needs it. */
export interface Place {
  readonly parent: Place | undefined;
  /** A member's name, or an index. */
  readonly key: string | number;
}

/** `addr.data.path`, `actions[0]`. */
export function formatPlace(place: Place | undefined): string {
  const parts: string[] = [];
  for (let at = place; at !== undefined; at = at.parent) {
    if (typeof at.key === "number") parts.push(`[${at.key}]`);
    else parts.push(at.parent === undefined ? at.key : `.${at.key}`);
  }
  return parts.toReversed().join("");
}

/** What QEMU calls a value where it does not write its whole path: `null` for an element of a list. */
export function lastName(place: Place | undefined): string {
  return typeof place?.key === "string" ? place.key : "null";
}

/** QEMU's error of a value of the wrong kind. */
export function wrongType(place: Place | undefined, expected: string): QmpError {
  return new QmpError(`Invalid parameter type for '${formatPlace(place)}', expected: ${expected}`);
}

/** Bits and sign of the integer types; the narrow ones are refused by the name that C gives them. */
const INTEGERS: ReadonlyMap<string, { signed: boolean; bits: bigint; cName: string }> = new Map([
  ["int", { signed: true, bits: 64n, cName: "int64_t" }],
  ["int8", { signed: true, bits: 8n, cName: "int8_t" }],
  ["int16", { signed: true, bits: 16n, cName: "int16_t" }],
  ["int32", { signed: true, bits: 32n, cName: "int32_t" }],
  ["int64", { signed: true, bits: 64n, cName: "int64_t" }],
  ["uint8", { signed: false, bits: 8n, cName: "uint8_t" }],
  ["uint16", { signed: false, bits: 16n, cName: "uint16_t" }],
  ["uint32", { signed: false, bits: 32n, cName: "uint32_t" }],
  ["uint64", { signed: false, bits: 64n, cName: "uint64_t" }],
  ["size", { signed: false, bits: 64n, cName: "uint64_t" }],
]);

/** What kind of JSON value a builtin is; undefined if it is no builtin, or any. */
export function builtinKind(type: string): string | undefined {
  if (type === "str") return "string";
  if (type === "bool") return "boolean";
  if (type === "null") return "null";
  return type === "number" || INTEGERS.has(type) ? "number" : undefined;
}

/** The kind of a JSON value. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint" || isJsonDouble(value)) return "number";
  return typeof value;
}

/** A value as a builtin. @throws QmpError in QEMU's words; TypeError if there is no such builtin */
export function checkBuiltin(type: string, value: unknown, place: Place | undefined): unknown {
  if (type === "any") return value;
  if (INTEGERS.has(type)) return checkInteger(type, value, place);
  const kind = builtinKind(type);
  if (kind === undefined) throw new TypeError(`no type '${type}'`);
  if (kindOf(value) !== kind) throw wrongType(place, kind);
  if (kind !== "number") return value;
  return isJsonDouble(value) ? value.value : Number(value);
}

function checkInteger(type: string, value: unknown, place: Place | undefined): number | bigint {
  const { signed, bits, cName } = INTEGERS.get(type) ?? { signed: true, bits: 64n, cName: "int64_t" };
  const integer = readInteger(value, signed);
  if (integer === undefined) {
    throw signed ? wrongType(place, "integer") : new QmpError(`Parameter '${formatPlace(place)}' expects uint64`);
  }
  const fits = (signed ? BigInt.asIntN(Number(bits), integer) : BigInt.asUintN(Number(bits), integer)) === integer;
  if (!fits) throw new QmpError(`Parameter '${lastName(place)}' expects ${cName}`);
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

/** An integer that 64 bits hold; a negative one wraps where none is wanted, as it does in QEMU. */
function readInteger(value: unknown, signed: boolean): bigint | undefined {
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isSafeInteger(value))) return undefined;
  const integer = BigInt(value);
  if (signed) return BigInt.asIntN(64, integer) === integer ? integer : undefined;
  return integer >= -(2n ** 63n) && integer < 2n ** 64n ? BigInt.asUintN(64, integer) : undefined;
}
