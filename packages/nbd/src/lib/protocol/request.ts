import {
  EXTENDED_REQUEST_HEADER_LENGTH,
  NBD_EXTENDED_REQUEST_MAGIC,
  NBD_REQUEST_MAGIC,
  REQUEST_HEADER_LENGTH,
} from "./constants.ts";
import {
  readInt32,
  readUint16,
  readUint32,
  readUint64,
  requireBytes,
  writeUint16,
  writeUint32,
  writeUint64,
} from "./integers.ts";

/**
 * The header of a request, as one object that is used again and again. A 64-bit cookie is two 32-bit halves, so that no
 * BigInt is made; the readers give signed halves, the writers take either sign.
 */
export interface RequestHeader {
  /** NBD_CMD_FLAG_* bits. */
  flags: number;
  /** NBD_CMD_*. */
  type: number;
  cookieHigh: number;
  cookieLow: number;
  /** Bytes. Rounded if over 2⁵³, see `readUint64`. */
  offset: number;
  /** Bytes. With extended headers and PAYLOAD_LEN it is the length of the payload. */
  length: number;
}

/** A header to fill. */
export function createRequestHeader(): RequestHeader {
  return { flags: 0, type: 0, cookieHigh: 0, cookieLow: 0, offset: 0, length: 0 };
}

/**
 * Writes a compact request header of 28 bytes; a write's payload follows it.
 * @param offset a safe integer ≥ 0.
 * @param length an integer from 0 to 2³² − 1.
 * @returns the position after it.
 * @throws RangeError if the target is too short.
 */
export function writeRequestHeader(
  target: Uint8Array,
  at: number,
  flags: number,
  type: number,
  cookieHigh: number,
  cookieLow: number,
  offset: number,
  length: number,
): number {
  requireBytes(target, at, REQUEST_HEADER_LENGTH);
  writeUint32(target, at, NBD_REQUEST_MAGIC);
  writeUint16(target, at + 4, flags);
  writeUint16(target, at + 6, type);
  writeUint32(target, at + 8, cookieHigh);
  writeUint32(target, at + 12, cookieLow);
  writeUint64(target, at + 16, offset);
  writeUint32(target, at + 24, length);
  return at + REQUEST_HEADER_LENGTH;
}

/**
 * Reads a compact request header of 28 bytes.
 * @returns false if the magic is wrong; `header` is untouched then.
 * @throws RangeError if the source is too short.
 */
export function readRequestHeader(source: Uint8Array, at: number, header: RequestHeader): boolean {
  requireBytes(source, at, REQUEST_HEADER_LENGTH);
  if (readUint32(source, at) !== NBD_REQUEST_MAGIC) return false;
  readMiddle(source, at, header);
  header.length = readUint32(source, at + 24);
  return true;
}

/**
 * Writes an extended request header of 32 bytes (after NBD_OPT_EXTENDED_HEADERS).
 * @param length a safe integer ≥ 0.
 * @returns the position after it.
 * @throws RangeError if the target is too short.
 */
export function writeExtendedRequestHeader(
  target: Uint8Array,
  at: number,
  flags: number,
  type: number,
  cookieHigh: number,
  cookieLow: number,
  offset: number,
  length: number,
): number {
  requireBytes(target, at, EXTENDED_REQUEST_HEADER_LENGTH);
  writeUint32(target, at, NBD_EXTENDED_REQUEST_MAGIC);
  writeUint16(target, at + 4, flags);
  writeUint16(target, at + 6, type);
  writeUint32(target, at + 8, cookieHigh);
  writeUint32(target, at + 12, cookieLow);
  writeUint64(target, at + 16, offset);
  writeUint64(target, at + 24, length);
  return at + EXTENDED_REQUEST_HEADER_LENGTH;
}

/**
 * Reads an extended request header of 32 bytes.
 * @returns false if the magic is wrong; `header` is untouched then.
 * @throws RangeError if the source is too short.
 */
export function readExtendedRequestHeader(source: Uint8Array, at: number, header: RequestHeader): boolean {
  requireBytes(source, at, EXTENDED_REQUEST_HEADER_LENGTH);
  if (readUint32(source, at) !== NBD_EXTENDED_REQUEST_MAGIC) return false;
  readMiddle(source, at, header);
  header.length = readUint64(source, at + 24);
  return true;
}

/** The fields that both forms have in the same place. */
function readMiddle(source: Uint8Array, at: number, header: RequestHeader): void {
  header.flags = readUint16(source, at + 4);
  header.type = readUint16(source, at + 6);
  header.cookieHigh = readInt32(source, at + 8);
  header.cookieLow = readInt32(source, at + 12);
  header.offset = readUint64(source, at + 16);
}
