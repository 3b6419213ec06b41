import { OptionError } from "./option-error.ts";
import { narrow, readUnsigned } from "./read-integer.ts";
import { readSize } from "./read-size.ts";

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ["on", true],
  ["yes", true],
  ["true", true],
  ["y", true],
  ["off", false],
  ["no", false],
  ["false", false],
  ["n", false],
]);

const SIZE_HINTS = [
  "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-",
  "and exabytes, respectively.",
];

/** `on`, `yes`, `true`, `y` or `off`, `no`, `false`, `n`; exactly so. Errors name `key`. */
export function parseBool(text: string, key: string): boolean {
  const value = WORDS.get(text);
  if (value !== undefined) return value;
  throw new OptionError(`Parameter '${key}' expects 'on' or 'off'`, { code: "invalid-value", path: key });
}

/**
 * QEMU_OPT_NUMBER: an unsigned 64-bit number as C reads it (`0x` hexadecimal, leading `0` octal, no suffix, `-1` is
 * 2^64-1). A `number` up to 2^53-1, beyond it a `bigint`. Errors name `key`.
 */
export function parseNumber(text: string, key: string): number | bigint {
  const value = readUnsigned(text);
  if (typeof value === "bigint") return narrow(value);
  if (value === "range") {
    throw new OptionError(`Value '${text}' is too large for parameter '${key}'`, { code: "out-of-range", path: key });
  }
  throw new OptionError(`Parameter '${key}' expects a number`, { code: "invalid-value", path: key });
}

/**
 * QEMU_OPT_SIZE, in bytes: `1.5k`, `64M`, `0x1000`; below 2^64. A `number` up to 2^53-1, beyond it a `bigint`. Errors
 * name `key`.
 */
export function parseSize(text: string, key: string): number | bigint {
  const size = readSize(text);
  if (typeof size === "object") return narrow(size.bytes);
  if (size === "range") {
    throw new OptionError(`Value '${text}' is out of range for parameter '${key}'`, {
      code: "out-of-range",
      path: key,
    });
  }
  throw new OptionError(`Parameter '${key}' expects a non-negative number below 2^64`, {
    code: "invalid-value",
    path: key,
    hints: SIZE_HINTS,
  });
}

/** What QEMU warns of when it reads a size that it takes. */
export function hexSizeWarnings(text: string): readonly string[] {
  const size = readSize(text);
  const isHexWithSuffix = typeof size === "object" && size.hexSuffix;
  return isHexWithSuffix ? [`Using a multiplier suffix on hex numbers is deprecated: ${text}`] : [];
}

/** A name for a node, a drive or an export: a letter, then letters, digits, `-`, `.` and `_`; ASCII only. */
export function checkId(id: string): string {
  if (/^[A-Za-z][A-Za-z0-9._-]*$/.test(id)) return id;
  throw new OptionError("Parameter 'id' expects an identifier", {
    code: "invalid-value",
    path: "id",
    hints: ["Identifiers consist of letters, digits, '-', '.', '_', starting with a letter."],
  });
}
