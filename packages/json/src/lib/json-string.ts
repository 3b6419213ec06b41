import { codePointAt, decodeLossy, isValidCodePoint, sequenceLength, TextBuilder } from "./utf8.ts";

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** What the letter after a backslash stands for. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x22, 0x22],
  [0x27, 0x27],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** A string token's text, or QEMU's message of what is wrong with it. */
export interface DecodedString {
  readonly text: string;
  readonly error?: string;
}

/** The text of a string token; `start` is its opening quote and `end` one past its closing quote. */
export function decodeString(bytes: Uint8Array, start: number, end: number): DecodedString {
  const text = new TextBuilder();
  const last = end - 1;
  for (let at = start + 1; at < last;) {
    const plainEnd = endOfPlain(bytes, at, last);
    if (plainEnd > at) {
      text.addAscii(bytes, at, plainEnd);
      at = plainEnd;
      continue;
    }
    if (bytes[at] === BACKSLASH) {
      const escape = readEscape(bytes, at, end);
      if (escape.codePoint < 0) return { text: "", error: escapeError(bytes, at, Math.min(escape.next, end)) };
      text.add(escape.codePoint);
      at = escape.next;
      continue;
    }
    const codePoint = codePointAt(bytes, at, last);
    if (codePoint < 0) return { text: "", error: "invalid UTF-8 sequence in string" };
    text.add(codePoint);
    at += sequenceLength(bytes[at] ?? 0);
  }
  return { text: text.finish() };
}

/** Where the ASCII without escapes ends that begins at `from`. */
function endOfPlain(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] ?? 0) < 0x80 && bytes[at] !== BACKSLASH) at++;
  return at;
}

/** What an escape stands for, -1 if for nothing, and where it ends. */
interface Escape {
  readonly codePoint: number;
  readonly next: number;
}

function readEscape(bytes: Uint8Array, at: number, end: number): Escape {
  const letter = bytes[at + 1] ?? 0;
  if (letter === LOWER_U) return readUnicodeEscape(bytes, at, end);
  return { codePoint: ESCAPES.get(letter) ?? -1, next: at + 2 };
}

function escapeError(bytes: Uint8Array, at: number, next: number): string {
  if (bytes[at + 1] !== LOWER_U) return "invalid escape sequence in string";
  return `${decodeLossy(bytes, at, next)} is not a valid Unicode character`;
}

/** `\uXXXX`, and the second half of a surrogate pair where one follows. */
function readUnicodeEscape(bytes: Uint8Array, at: number, end: number): Escape {
  const next = at + 6;
  const codePoint = hex4(bytes, at + 2, end);
  const paired = codePoint >= 0xd800 && codePoint <= 0xdbff && bytes[next] === BACKSLASH && bytes[next + 1] === LOWER_U;
  if (paired) {
    const trailing = hex4(bytes, next + 2, end);
    if (trailing < 0xdc00 || trailing > 0xdfff) return { codePoint: -1, next };
    return pairOf(codePoint, trailing, next + 6);
  }
  return { codePoint: isValidCodePoint(codePoint) ? codePoint : -1, next };
}

function pairOf(leading: number, trailing: number, next: number): Escape {
  const codePoint = 0x10000 + ((leading & 0x3ff) << 10) + (trailing & 0x3ff);
  return { codePoint: isValidCodePoint(codePoint) ? codePoint : -1, next };
}

/** Four hexadecimal digits, or -1. */
function hex4(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = i < end ? Number.parseInt(String.fromCharCode(bytes[i] ?? 0), 16) : Number.NaN;
    if (Number.isNaN(digit)) return -1;
    value = value * 16 + digit;
  }
  return value;
}
