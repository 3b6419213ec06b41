import type { NumberFault } from "./read-integer.ts";

const U64 = 2n ** 64n;

const SIZE = /^[ \t\n\v\f\r]*\+?(?:0[xX]([0-9a-fA-F]+)|([0-9]+)(?:\.([0-9]*))?)([bkmgtpeBKMGTPE]?)$/;
const SUFFIXES = "bkmgtpe";

/** Digits, without leading zeros, of 2^64-1; a longer number is out of range and would be slow to read. */
const MOST_DECIMAL = 20;
const MOST_HEX = 16;

/** A size and what QEMU would warn of. */
export interface ReadSize {
  /** Bytes, below 2^64. */
  readonly bytes: bigint;
  /** True for a hexadecimal number with a suffix, which QEMU deprecates. */
  readonly hexSuffix: boolean;
}

/** Bytes: decimal with an optional fraction, or hexadecimal; then at most one of the letters `bkmgtpe`, powers of 1024. */
export function readSize(text: string): ReadSize | NumberFault {
  const match = SIZE.exec(text);
  if (match === null) return "syntax";
  const [, hex, decimal = "", fraction = "", suffix = ""] = match;
  const unit = 1024n ** BigInt(Math.max(0, SUFFIXES.indexOf(suffix.toLowerCase() || "b")));
  const whole = hex === undefined ? wholeOf(decimal, MOST_DECIMAL, "") : wholeOf(hex, MOST_HEX, "0x");
  const part = fractionOf(fraction);
  if (part !== 0n && unit === 1n) return "syntax";
  // QEMU stops reading at a number that is too large, and then wonders at what follows.
  if (whole === "range" || whole >= U64) return suffix === "" && !text.includes(".") ? "range" : "syntax";
  const bytes = whole * unit + ((part * unit + U64 / 2n) >> 64n);
  return bytes >= U64 ? "range" : { bytes, hexSuffix: hex !== undefined && suffix !== "" };
}

function wholeOf(digits: string, most: number, prefix: string): bigint | "range" {
  const significant = digits.replace(/^0+/, "");
  if (significant.length > most) return "range";
  return significant === "" ? 0n : BigInt(prefix + significant);
}

/** The digits behind the point as a 64-bit fixed-point fraction, which is how exact QEMU is here. */
function fractionOf(digits: string): bigint {
  return BigInt(Math.floor(Number(`0.${digits || "0"}`) * 2 ** 64));
}
