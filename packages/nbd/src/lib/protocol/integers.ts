import { protocolError } from "./protocol-error.ts";

/** 2³². */
const TWO_32 = 0x1_0000_0000;

/** Throws unless `length` bytes lie in `bytes` from `at` on. */
export function requireBytes(bytes: Uint8Array, at: number, length: number): void {
  if (!(at >= 0 && at + length <= bytes.length)) {
    throw new RangeError(`${length} bytes at ${at} are outside of a buffer of ${bytes.length} bytes`);
  }
}

/** The unsigned 16-bit number at `at`. The caller has checked the bounds. */
export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** The signed 32-bit number at `at`: the cheapest form for a cookie's half. The caller has checked the bounds. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** The unsigned 32-bit number at `at`. The caller has checked the bounds. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) >>> 0;
}

/**
 * The unsigned 64-bit number at `at`. Over 2⁵³ it comes out rounded, but still over 2⁵³: it fails every check against a
 * size. The caller has checked the bounds.
 */
export function readUint64(bytes: Uint8Array, at: number): number {
  const high = readUint32(bytes, at);
  const low = readUint32(bytes, at + 4);
  // JavaScript's engines keep a small integer where it is, and what was multiplied in 16 bytes of its own.
  return high === 0 ? low : high * TWO_32 + low;
}

/**
 * The unsigned 64-bit number at `at`, where a rounded one would be of no use.
 * @throws BlockError `EPROTO` over 2⁵³ − 1.
 */
export function readSafeUint64(bytes: Uint8Array, at: number, what: string): number {
  const value = readUint64(bytes, at);
  if (value > Number.MAX_SAFE_INTEGER) throw protocolError(`${what} is over 2^53 - 1`);
  return value;
}

/** Writes the low 16 bits of `value`. The caller has checked the bounds. */
export function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes the low 32 bits of `value`, signed or unsigned. The caller has checked the bounds. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes a safe integer ≥ 0 as 64 bits. The caller has checked the bounds. */
export function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  writeUint32(bytes, at, Math.floor(value / TWO_32));
  writeUint32(bytes, at + 4, value % TWO_32);
}
