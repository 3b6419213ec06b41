import type { BlockExtent } from "@rehandle/driver-sdk";
import { Builder } from "./builder.ts";
import { NBD_REPLY_TYPE_ERROR_OFFSET, NBD_STATE_HOLE, NBD_STATE_ZERO } from "./constants.ts";
import { readUint32, readUint64, writeUint32 } from "./integers.ts";
import { protocolError } from "./protocol-error.ts";
import { decodeMessage, encodeText } from "./text.ts";
import { Cursor } from "./cursor.ts";

/** Bytes before the data in the payload of NBD_REPLY_TYPE_OFFSET_DATA: its offset, as 64 bits. */
export const OFFSET_DATA_PREFIX = 8;

/** A hole of a read: reads as zeroes, and no data is sent. */
export interface OffsetHole {
  /** Bytes from the export's start. */
  offset: number;
  /** Bytes, > 0. */
  length: number;
}

/** Payload of NBD_REPLY_TYPE_OFFSET_HOLE. */
export function encodeOffsetHole(hole: OffsetHole): Uint8Array {
  return new Builder().uint64(hole.offset).uint32(hole.length).build();
}

/** @throws BlockError `EPROTO` if the length is not 12 or the hole is empty. */
export function decodeOffsetHole(payload: Uint8Array): OffsetHole {
  if (payload.length !== 12) throw protocolError(`a hole chunk of ${payload.length} bytes`);
  const hole = { offset: readUint64(payload, 0), length: readUint32(payload, 8) };
  if (hole.length === 0) throw protocolError("an empty hole chunk");
  return hole;
}

/** Payload of an error chunk. */
export interface ErrorChunk {
  /** NBD_E*. */
  error: number;
  /** Text for people; may be empty. */
  message: string;
  /** NBD_REPLY_TYPE_ERROR_OFFSET only: where it happened, bytes from the export's start. */
  offset?: number;
}

/** Payload of NBD_REPLY_TYPE_ERROR, or of NBD_REPLY_TYPE_ERROR_OFFSET if there is an offset. */
export function encodeErrorChunk(chunk: ErrorChunk): Uint8Array {
  const text = encodeText(chunk.message);
  const builder = new Builder().uint32(chunk.error).uint16(text.length).bytes(text);
  return chunk.offset === undefined ? builder.build() : builder.uint64(chunk.offset).build();
}

/**
 * Reads the payload of an error chunk of any type; those that are not known are read as NBD_REPLY_TYPE_ERROR, and what
 * follows the message is ignored.
 * @throws BlockError `EPROTO` if it is too short or says "no error".
 */
export function decodeErrorChunk(type: number, payload: Uint8Array): ErrorChunk {
  const cursor = new Cursor(payload, "an error chunk");
  const error = cursor.uint32();
  if (error === 0) throw protocolError("an error chunk without an error");
  const message = decodeMessage(cursor.bytes(cursor.uint16()));
  if (type !== NBD_REPLY_TYPE_ERROR_OFFSET) return { error, message };
  return { error, message, offset: readUint64(cursor.bytes(8), 0) };
}

/** Bytes of the payload of NBD_REPLY_TYPE_BLOCK_STATUS with that many extents. */
export function blockStatusLength(extents: number): number {
  return 4 + extents * 8;
}

/**
 * Writes the payload of NBD_REPLY_TYPE_BLOCK_STATUS for `base:allocation`.
 * @param count how many of the extents to write; each is at most 2³² − 1 bytes long.
 */
export function writeBlockStatus(
  target: Uint8Array,
  at: number,
  contextId: number,
  extents: readonly BlockExtent[],
  count: number = extents.length,
): number {
  if (at + blockStatusLength(count) > target.length) throw new RangeError("the target is too short");
  writeUint32(target, at, contextId);
  for (let i = 0; i < count; i += 1) {
    const extent = extents[i]!;
    writeUint32(target, at + 4 + i * 8, extent.length);
    writeUint32(target, at + 8 + i * 8, allocationFlags(extent));
  }
  return at + blockStatusLength(count);
}

/** The payload of NBD_REPLY_TYPE_BLOCK_STATUS, its status flags not interpreted. */
export interface BlockStatus {
  contextId: number;
  extents: { length: number; flags: number }[];
}

/**
 * Reads the payload of NBD_REPLY_TYPE_BLOCK_STATUS.
 * @throws BlockError `EPROTO` if there is no extent, an empty one, or half of one.
 */
export function decodeBlockStatus(payload: Uint8Array): BlockStatus {
  if (payload.length < 12 || (payload.length - 4) % 8 !== 0) {
    throw protocolError(`a block status chunk of ${payload.length} bytes`);
  }
  const extents: BlockStatus["extents"] = [];
  for (let at = 4; at < payload.length; at += 8) {
    const length = readUint32(payload, at);
    if (length === 0) throw protocolError("an empty extent");
    extents.push({ length, flags: readUint32(payload, at + 4) });
  }
  return { contextId: readUint32(payload, 0), extents };
}

/** Status flags of `base:allocation`. */
export function allocationFlags(extent: Pick<BlockExtent, "hole" | "zero">): number {
  return (extent.hole ? NBD_STATE_HOLE : 0) | (extent.zero ? NBD_STATE_ZERO : 0);
}

/** An extent out of status flags of `base:allocation`; unknown bits are ignored. */
export function allocationExtent(length: number, flags: number): BlockExtent {
  return { length, hole: (flags & NBD_STATE_HOLE) !== 0, zero: (flags & NBD_STATE_ZERO) !== 0 };
}
