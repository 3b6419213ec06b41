/** How many UTF-16 units are handed to `String.fromCharCode` at once; far below any engine's limit of arguments. */
const CHUNK = 4096;

/** A run of ASCII that is not worth a call of its own. */
const SHORT = 16;

/** Builds a string from UTF-16 units in linear time. */
export class TextBuilder {
  #text = "";
  #units: number[] = [];

  /** Appends one Unicode code point, 0…0x10FFFF. */
  add(codePoint: number): void {
    if (codePoint < 0x10000) this.#units.push(codePoint);
    else this.#units.push(0xd7c0 + (codePoint >> 10), 0xdc00 + (codePoint & 0x3ff));
    if (this.#units.length >= CHUNK) this.#flush();
  }

  /** Appends ASCII as it is. */
  addAscii(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < SHORT) {
      for (let at = start; at < end; at++) this.#units.push(bytes[at] ?? 0);
      if (this.#units.length >= CHUNK) this.#flush();
      return;
    }
    this.#flush();
    for (let at = start; at < end; at += CHUNK) {
      // Spreading would go through the array's iterator, which takes ten times as long.
      this.#text += Reflect.apply(String.fromCharCode, null, bytes.subarray(at, Math.min(end, at + CHUNK)));
    }
  }

  /** All that was added. */
  finish(): string {
    this.#flush();
    return this.#text;
  }

  #flush(): void {
    this.#text += String.fromCharCode(...this.#units);
    this.#units = [];
  }
}

/** Bytes of the UTF-8 sequence that starts with `lead`; 0 if no sequence does. */
export function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc0 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf8 ? 4 : 0;
}

/** Lowest code point that needs a sequence of this many bytes; a lower one is an overlong form. */
const LOWEST = [0, 0, 0x80, 0x800, 0x10000];

/** Surrogates, noncharacters and what lies beyond Unicode: never valid in QEMU's strings. */
export function isValidCodePoint(codePoint: number): boolean {
  if (codePoint < 0 || codePoint > 0x10ffff) return false;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false;
  return !((codePoint >= 0xfdd0 && codePoint <= 0xfdef) || (codePoint & 0xfffe) === 0xfffe);
}

/**
 * The code point at `at`, or -1 if there is no valid UTF-8 sequence before `end`. `C0 80` is U+0000: QEMU's strings are
 * modified UTF-8.
 */
export function codePointAt(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] ?? 0;
  const length = sequenceLength(lead);
  if (length === 1) return lead;
  if (length === 0 || at + length > end) return -1;
  let codePoint = lead & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0;
    if ((byte & 0xc0) !== 0x80) return -1;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  if (codePoint < (LOWEST[length] ?? 0)) return codePoint === 0 && length === 2 ? 0 : -1;
  return isValidCodePoint(codePoint) ? codePoint : -1;
}

/** Text for people out of bytes that may be anything: what is not UTF-8 becomes U+FFFD, and a NUL ends it. */
export function decodeLossy(bytes: Uint8Array, start: number, end: number): string {
  const text = new TextBuilder();
  for (let at = start; at < end && bytes[at] !== 0;) {
    const codePoint = codePointAt(bytes, at, end);
    text.add(codePoint < 0 ? 0xfffd : codePoint);
    at += codePoint < 0 ? 1 : sequenceLength(bytes[at] ?? 0);
  }
  return text.finish();
}

/** UTF-8 of `text`; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let codePoint = text.codePointAt(i) ?? 0;
    if (codePoint >= 0x10000) i++;
    else if (codePoint >= 0xd800 && codePoint <= 0xdfff) codePoint = 0xfffd;
    length = putCodePoint(bytes, length, codePoint);
  }
  return bytes.subarray(0, length);
}

function putCodePoint(bytes: Uint8Array, at: number, codePoint: number): number {
  if (codePoint < 0x80) {
    bytes[at] = codePoint;
    return at + 1;
  }
  const more = codePoint < 0x800 ? 1 : codePoint < 0x10000 ? 2 : 3;
  bytes[at] = ((0xff00 >> (more + 1)) & 0xff) | (codePoint >> (6 * more));
  for (let i = 1; i <= more; i++) bytes[at + i] = 0x80 | ((codePoint >> (6 * (more - i))) & 0x3f);
  return at + more + 1;
}
