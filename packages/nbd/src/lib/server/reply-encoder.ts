import { RequestFlag, type BlockError } from "@rehandle/driver-sdk";
import type { BufferPool } from "./buffer-pool.ts";
import { blockStatusLength, encodeErrorChunk, OFFSET_DATA_PREFIX } from "../protocol/chunk.ts";
import {
  CHUNK_HEADER_LENGTH,
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_FLAG_DF,
  NBD_CMD_FLAG_FAST_ZERO,
  NBD_CMD_READ,
  NBD_EINVAL,
  NBD_EIO,
  NBD_ENOTSUP,
  NBD_EOVERFLOW,
  NBD_ESHUTDOWN,
  NBD_REPLY_FLAG_DONE,
  NBD_REPLY_TYPE_BLOCK_STATUS,
  NBD_REPLY_TYPE_ERROR,
  NBD_REPLY_TYPE_NONE,
  NBD_REPLY_TYPE_OFFSET_DATA,
  SIMPLE_REPLY_LENGTH,
} from "../protocol/constants.ts";
import { wireError } from "../protocol/errno.ts";
import { writeUint32, writeUint64 } from "../protocol/integers.ts";
import { writeChunkHeader, writeSimpleReply } from "../protocol/reply.ts";
import { writeExtents } from "./extent-writer.ts";
import type { TransmissionTerms } from "./command-check.ts";
import type { ReplyOutput } from "./reply-output.ts";
import type { RequestSlot } from "./request-slot.ts";

/** How much of an error's text is sent, UTF-16 units. */
const MESSAGE_LIMIT = 256;
/**
 * Extents in one reply; whoever wants to know more asks again. The protocol's bound is 2²⁰, but what a client may have in
 * flight is bounded by bytes, and nobody knows beforehand how many there will be.
 */
const MAX_EXTENTS = 8191;
/** Bytes of the payload of a reply to NBD_CMD_BLOCK_STATUS at most: the smallest buffer for it is used to the full. */
export const MAX_BLOCK_STATUS: number = blockStatusLength(MAX_EXTENTS);

/**
 * The error on the wire for what a driver said. Some wire errors mean something only in some replies.
 *
 * @param isShuttingDown this server is
 */
export function replyError(error: BlockError, type: number, flags: number, isShuttingDown: boolean): number {
  const wire = wireError(error.code);
  if (wire === NBD_ENOTSUP && (flags & NBD_CMD_FLAG_FAST_ZERO) === 0) return NBD_EINVAL;
  if (wire === NBD_EOVERFLOW && (type !== NBD_CMD_READ || (flags & NBD_CMD_FLAG_DF) === 0)) return NBD_EINVAL;
  // The storage's server is going away, not this one: the client must not leave because of it.
  return wire === NBD_ESHUTDOWN && !isShuttingDown ? NBD_EIO : wire;
}

/** Puts replies into the output in the form that was negotiated. */
export class ReplyEncoder {
  readonly #output: ReplyOutput;
  readonly #pool: BufferPool;
  readonly #terms: TransmissionTerms;

  constructor(output: ReplyOutput, pool: BufferPool, terms: TransmissionTerms) {
    this.#output = output;
    this.#pool = pool;
    this.#terms = terms;
  }

  /** Answers a request that succeeded. A read's buffer is handed over; the slot no longer owns it then. */
  success(slot: RequestSlot): void {
    if (slot.type === NBD_CMD_READ && slot.buffer !== null) this.#data(slot);
    else if (slot.type === NBD_CMD_BLOCK_STATUS) this.#blockStatus(slot);
    else this.done(slot.type, slot.cookieHigh, slot.cookieLow);
  }

  /** Answers a request that succeeded and carries nothing. */
  done(type: number, cookieHigh: number, cookieLow: number): void {
    if (type === NBD_CMD_READ && this.#terms.structuredReplies) {
      const slab = this.#output.reserve(CHUNK_HEADER_LENGTH);
      const at = this.#output.position - CHUNK_HEADER_LENGTH;
      writeChunkHeader(slab, at, NBD_REPLY_FLAG_DONE, NBD_REPLY_TYPE_NONE, cookieHigh, cookieLow, 0);
    } else {
      this.#simple(0, cookieHigh, cookieLow);
    }
  }

  /**
   * Answers a request that failed.
   * @param wire NBD_E*, not 0.
   */
  failure(wire: number, message: string, cookieHigh: number, cookieLow: number): void {
    if (!this.#terms.structuredReplies) {
      this.#simple(wire, cookieHigh, cookieLow);
      return;
    }
    const text = message.slice(0, MESSAGE_LIMIT).replaceAll("\0", " ");
    const payload = encodeErrorChunk({ error: wire, message: text });
    const length = CHUNK_HEADER_LENGTH + payload.length;
    const slab = this.#output.reserve(length);
    const at = this.#output.position - length;
    const flags = NBD_REPLY_FLAG_DONE;
    slab.set(payload, writeChunkHeader(slab, at, flags, NBD_REPLY_TYPE_ERROR, cookieHigh, cookieLow, payload.length));
  }

  #simple(wire: number, cookieHigh: number, cookieLow: number): void {
    const slab = this.#output.reserve(SIMPLE_REPLY_LENGTH);
    writeSimpleReply(slab, this.#output.position - SIMPLE_REPLY_LENGTH, wire, cookieHigh, cookieLow);
  }

  /** The header goes right before the data, into the buffer's headroom. */
  #data(slot: RequestSlot): void {
    const buffer = slot.buffer!;
    slot.buffer = null;
    const { cookieHigh, cookieLow } = slot;
    const { offset, length } = slot.request;
    const end = buffer.at + length;
    if (!this.#terms.structuredReplies) {
      const at = buffer.at - SIMPLE_REPLY_LENGTH;
      writeSimpleReply(buffer.bytes, at, 0, cookieHigh, cookieLow);
      this.#output.send(buffer, at, end);
      return;
    }
    const at = buffer.at - OFFSET_DATA_PREFIX - CHUNK_HEADER_LENGTH;
    const flags = NBD_REPLY_FLAG_DONE;
    const type = NBD_REPLY_TYPE_OFFSET_DATA;
    const payload = length + OFFSET_DATA_PREFIX;
    writeUint64(buffer.bytes, writeChunkHeader(buffer.bytes, at, flags, type, cookieHigh, cookieLow, payload), offset);
    this.#output.send(buffer, at, end);
  }

  #blockStatus(slot: RequestSlot): void {
    const { extents, length, flags } = slot.request;
    const { cookieHigh, cookieLow } = slot;
    const most = (flags & RequestFlag.REQ_ONE) !== 0 ? 1 : MAX_EXTENTS;
    const buffer = this.#pool.take(blockStatusLength(Math.min(extents.length, most)));
    const count = writeExtents(buffer.bytes, buffer.at + 4, extents, length, most);
    if (count === 0) {
      this.#pool.give(buffer);
      this.failure(NBD_EIO, "the driver gave no extent", cookieHigh, cookieLow);
      return;
    }
    const payload = blockStatusLength(count);
    const at = buffer.at - CHUNK_HEADER_LENGTH;
    const type = NBD_REPLY_TYPE_BLOCK_STATUS;
    writeChunkHeader(buffer.bytes, at, NBD_REPLY_FLAG_DONE, type, cookieHigh, cookieLow, payload);
    writeUint32(buffer.bytes, buffer.at, this.#terms.allocationContextId!);
    this.#output.send(buffer, at, buffer.at + payload);
  }
}
