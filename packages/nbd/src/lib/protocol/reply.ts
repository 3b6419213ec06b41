import {
  CHUNK_HEADER_LENGTH,
  EXTENDED_CHUNK_HEADER_LENGTH,
  NBD_EXTENDED_REPLY_MAGIC,
  NBD_SIMPLE_REPLY_MAGIC,
  NBD_STRUCTURED_REPLY_MAGIC,
  SIMPLE_REPLY_LENGTH,
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
import { protocolError } from "./protocol-error.ts";

/** Which form of reply a header starts. */
export type ReplyKind = "simple" | "structured" | "extended";

/** The header of a simple reply, or of one chunk of a structured or extended one; an object that is used again and again. */
export interface ReplyHeader {
  kind: ReplyKind;
  /** simple only: NBD_E*, 0 for success. Its data, if it has any, follows the header without a length. */
  error: number;
  /** Chunks only: NBD_REPLY_FLAG_* bits. */
  flags: number;
  /** Chunks only: NBD_REPLY_TYPE_*. */
  type: number;
  /** Signed 32-bit half. */
  cookieHigh: number;
  /** Signed 32-bit half. */
  cookieLow: number;
  /** extended only: the request's offset, bytes. */
  offset: number;
  /** Chunks only: bytes of payload that follow. */
  length: number;
}

/** A header to fill. */
export function createReplyHeader(): ReplyHeader {
  return { kind: "simple", error: 0, flags: 0, type: 0, cookieHigh: 0, cookieLow: 0, offset: 0, length: 0 };
}

/**
 * Reads the next reply header of a stream: the client's side.
 * @param end where the bytes that have arrived end.
 * @returns how many bytes the header has, or 0 if not all of them have arrived; `header` may be half filled then.
 * @throws BlockError `EPROTO` on an unknown magic. Which of the three forms is allowed is the caller's to check.
 */
export function readReplyHeader(source: Uint8Array, at: number, end: number, header: ReplyHeader): number {
  if (end > source.length) throw new RangeError(`end ${end} is outside of a buffer of ${source.length} bytes`);
  if (end - at < 4) return 0;
  const magic = readUint32(source, at);
  if (magic === NBD_SIMPLE_REPLY_MAGIC) return readSimple(source, at, end, header);
  if (magic === NBD_STRUCTURED_REPLY_MAGIC) return readChunk(source, at, end, header);
  if (magic === NBD_EXTENDED_REPLY_MAGIC) return readExtendedChunk(source, at, end, header);
  throw protocolError(`unknown reply magic 0x${magic.toString(16).padStart(8, "0")}`);
}

function readSimple(source: Uint8Array, at: number, end: number, header: ReplyHeader): number {
  if (end - at < SIMPLE_REPLY_LENGTH) return 0;
  header.kind = "simple";
  header.error = readUint32(source, at + 4);
  header.cookieHigh = readInt32(source, at + 8);
  header.cookieLow = readInt32(source, at + 12);
  header.flags = 0;
  header.type = 0;
  header.length = 0;
  return SIMPLE_REPLY_LENGTH;
}

function readChunk(source: Uint8Array, at: number, end: number, header: ReplyHeader): number {
  if (end - at < CHUNK_HEADER_LENGTH) return 0;
  header.kind = "structured";
  readChunkStart(source, at, header);
  header.length = readUint32(source, at + 16);
  return CHUNK_HEADER_LENGTH;
}

function readExtendedChunk(source: Uint8Array, at: number, end: number, header: ReplyHeader): number {
  if (end - at < EXTENDED_CHUNK_HEADER_LENGTH) return 0;
  header.kind = "extended";
  readChunkStart(source, at, header);
  header.offset = readUint64(source, at + 16);
  header.length = readUint64(source, at + 24);
  return EXTENDED_CHUNK_HEADER_LENGTH;
}

/** The fields that both forms of chunk have in the same place. */
function readChunkStart(source: Uint8Array, at: number, header: ReplyHeader): void {
  header.error = 0;
  header.flags = readUint16(source, at + 4);
  header.type = readUint16(source, at + 6);
  header.cookieHigh = readInt32(source, at + 8);
  header.cookieLow = readInt32(source, at + 12);
}

/**
 * Writes a simple reply of 16 bytes; a read's data follows it if `error` is 0.
 * @returns the position after it.
 * @throws RangeError if the target is too short.
 */
export function writeSimpleReply(
  target: Uint8Array,
  at: number,
  error: number,
  cookieHigh: number,
  cookieLow: number,
): number {
  requireBytes(target, at, SIMPLE_REPLY_LENGTH);
  writeUint32(target, at, NBD_SIMPLE_REPLY_MAGIC);
  writeUint32(target, at + 4, error);
  writeUint32(target, at + 8, cookieHigh);
  writeUint32(target, at + 12, cookieLow);
  return at + SIMPLE_REPLY_LENGTH;
}

/**
 * Writes the header of a structured reply's chunk, 20 bytes; `length` bytes of payload follow it.
 * @returns the position after it.
 * @throws RangeError if the target is too short.
 */
export function writeChunkHeader(
  target: Uint8Array,
  at: number,
  flags: number,
  type: number,
  cookieHigh: number,
  cookieLow: number,
  length: number,
): number {
  requireBytes(target, at, CHUNK_HEADER_LENGTH);
  writeUint32(target, at, NBD_STRUCTURED_REPLY_MAGIC);
  writeChunkStart(target, at, flags, type, cookieHigh, cookieLow);
  writeUint32(target, at + 16, length);
  return at + CHUNK_HEADER_LENGTH;
}

/**
 * Writes the header of an extended reply's chunk, 32 bytes; `length` bytes of payload follow it.
 * @param offset the request's offset.
 * @returns the position after it.
 * @throws RangeError if the target is too short.
 */
export function writeExtendedChunkHeader(
  target: Uint8Array,
  at: number,
  flags: number,
  type: number,
  cookieHigh: number,
  cookieLow: number,
  offset: number,
  length: number,
): number {
  requireBytes(target, at, EXTENDED_CHUNK_HEADER_LENGTH);
  writeUint32(target, at, NBD_EXTENDED_REPLY_MAGIC);
  writeChunkStart(target, at, flags, type, cookieHigh, cookieLow);
  writeUint64(target, at + 16, offset);
  writeUint64(target, at + 24, length);
  return at + EXTENDED_CHUNK_HEADER_LENGTH;
}

function writeChunkStart(
  target: Uint8Array,
  at: number,
  flags: number,
  type: number,
  cookieHigh: number,
  cookieLow: number,
): void {
  writeUint16(target, at + 4, flags);
  writeUint16(target, at + 6, type);
  writeUint32(target, at + 8, cookieHigh);
  writeUint32(target, at + 12, cookieLow);
}
