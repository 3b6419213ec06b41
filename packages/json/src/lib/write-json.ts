import { isJsonDouble } from "./json-value.ts";

const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x22, '\\"'],
  [0x5c, "\\\\"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
]);

/** What a string can hold as it is: printable ASCII without the quote and the backslash. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * JSON text as QEMU writes it: ASCII only, `", "` and `": "` between things. Members that are undefined are left out,
 * as is done by `JSON.stringify`; numbers that are not finite become null.
 */
export function writeJson(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return writeString(value);
  if (typeof value === "number") return writeNumber(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (isJsonDouble(value)) return formatDouble(value.value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join(", ")}]`;
  if (typeof value === "object") return writeObject(value);
  return "null";
}

function writeObject(object: object): string {
  const members: string[] = [];
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined) members.push(`${writeString(key)}: ${writeJson(value)}`);
  }
  return `{${members.join(", ")}}`;
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) return "null";
  return Number.isSafeInteger(value) ? String(value) : formatDouble(value);
}

/** C's `%.17g`: 17 significant digits without trailing zeros, an exponent of two digits where it is shorter. */
export function formatDouble(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", exponentText = "0"] = value.toExponential(16).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 17) return trimTail(value.toFixed(16 - exponent));
  const sign = exponent < 0 ? "-" : "+";
  return `${trimTail(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function trimTail(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

/** Units of a text that are escaped at a time: a long string that grows by single characters takes a hundred bytes for each. */
const PIECE = 1024;
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
/** What the units of ASCII are written as. */
const ASCII = Array.from(
  { length: 128 },
  (_, unit) => SHORT_ESCAPES.get(unit) ?? (unit >= 0x20 && unit < 0x7f ? String.fromCharCode(unit) : hexEscape(unit)),
);

function writeString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PIECE) pieces.push(escapePiece(text, at, Math.min(at + PIECE, text.length)));
  return `"${pieces.join("")}"`;
}

function escapePiece(text: string, from: number, to: number): string {
  const units: string[] = [];
  for (let i = from; i < to; i++) {
    const unit = text.charCodeAt(i);
    units.push(ASCII[unit] ?? hexEscape(isLoneSurrogate(text, i) ? 0xfffd : unit));
  }
  return units.join("");
}

function hexEscape(unit: number): string {
  return `\\u${HEX_OF_BYTE[unit >> 8] ?? ""}${HEX_OF_BYTE[unit & 0xff] ?? ""}`;
}

function isLoneSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdfff) return false;
  if (unit < 0xdc00) return !isTrailing(text.charCodeAt(at + 1));
  const before = text.charCodeAt(at - 1);
  return !(before >= 0xd800 && before < 0xdc00);
}

function isTrailing(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
