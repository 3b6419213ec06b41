/** Why a text is not a number: it does not look like one, or no 64 bits can hold it. */
export type NumberFault = "syntax" | "range";

const U64 = 2n ** 64n;
const I64_MAX = 2n ** 63n - 1n;

/** C's white space, one sign, and base 0: `0x` hexadecimal, `0` octal, else decimal. */
const INTEGER = /^[ \t\n\v\f\r]*([+-]?)(0[xX]0*([0-9a-fA-F]*)|0+([0-7]*)|([1-9][0-9]*))$/;

/** The most digits that fit into 64 bits; BigInt would take quadratic time on many more. */
const MOST_HEX = 16;
const MOST_OCTAL = 22;
const MOST_DECIMAL = 20;

/** The magnitude and sign that C's `strtoull(text, &end, 0)` would read, the whole text consumed. */
function readMagnitude(text: string): { magnitude: bigint; negative: boolean } | NumberFault {
  const match = INTEGER.exec(text);
  if (match === null) return "syntax";
  const [, sign, whole = "", hex, octal, decimal] = match;
  if (hex !== undefined && whole.length === 2) return "syntax";
  const digits = hex ?? octal ?? decimal ?? "";
  const most = hex === undefined ? (octal === undefined ? MOST_DECIMAL : MOST_OCTAL) : MOST_HEX;
  if (digits.length > most) return "range";
  const prefix = hex === undefined ? (octal === undefined ? "" : "0o") : "0x";
  const magnitude = digits === "" ? 0n : BigInt(prefix + digits);
  return magnitude >= U64 ? "range" : { magnitude, negative: sign === "-" };
}

/** An unsigned 64-bit number as C's `strtoull` reads it: `-1` is 2^64-1. */
export function readUnsigned(text: string): bigint | NumberFault {
  const read = readMagnitude(text);
  if (typeof read === "string") return read;
  return read.negative ? BigInt.asUintN(64, -read.magnitude) : read.magnitude;
}

/** A signed 64-bit number as C's `strtoll` reads it. */
export function readSigned(text: string): bigint | NumberFault {
  const read = readMagnitude(text);
  if (typeof read === "string") return read;
  if (read.magnitude > I64_MAX + (read.negative ? 1n : 0n)) return "range";
  return read.negative ? -read.magnitude : read.magnitude;
}

/** A number where it is exact, else the bigint itself. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
