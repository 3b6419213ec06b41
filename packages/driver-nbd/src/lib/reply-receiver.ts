import { copyToIov, RequestFlag, type BlockRequest } from "@rehandle/driver-sdk";
import {
  allocationExtent,
  decodeBlockStatus,
  decodeErrorChunk,
  decodeOffsetHole,
  NBD_MAX_STRING,
  NBD_REPLY_FLAG_DONE,
  NBD_REPLY_TYPE_BLOCK_STATUS,
  NBD_REPLY_TYPE_ERROR,
  NBD_REPLY_TYPE_ERROR_OFFSET,
  NBD_REPLY_TYPE_FLAG_ERROR,
  NBD_REPLY_TYPE_NONE,
  NBD_REPLY_TYPE_OFFSET_DATA,
  NBD_REPLY_TYPE_OFFSET_HOLE,
  OFFSET_DATA_PREFIX,
  protocolError,
  readUint64,
  type ReplyHeader,
} from "@rehandle/nbd/protocol";
import { answeredError } from "./nbd-errors.ts";
import type { PendingRequest } from "./pending-request.ts";
import type { PayloadPlan, ReplyHandler } from "./reply-reader.ts";
import type { SlotTable } from "./slot-table.ts";
import { zeroIov } from "./zero-iov.ts";

/** The protocol allows this many extents in one answer. */
const MAX_EXTENTS = 2 ** 20;
const MAX_BLOCK_STATUS = 4 + 8 * MAX_EXTENTS;
const HOLE_LENGTH = 12;
/** The fixed part of an error chunk: errno and message length; ERROR_OFFSET has an offset besides. */
const ERROR_FIXED = 6;
const ERROR_OFFSET_FIXED = 14;

/** What was agreed on in the handshake that replies depend on. */
export interface ReplyTerms {
  /** Structured replies were negotiated. */
  readonly structured: boolean;
  /** Id of `base:allocation`; null if it was not selected. */
  readonly allocationId: number | null;
  /** Size of the export, bytes. */
  readonly size: number;
}

/**
 * Gives replies to the requests that they answer: data into the iov, errors and extents to the request. Whatever the
 * protocol forbids is thrown as `EPROTO`; what was answered before that is good.
 */
export class ReplyReceiver implements ReplyHandler {
  /** The requests that were answered in full, in the order of their answers; `pending.error` says how. The owner empties it. */
  answered: PendingRequest[] = [];
  readonly #slots: SlotTable;
  readonly #terms: ReplyTerms;
  #current!: PendingRequest;
  /** The header that is being taken ends its reply. */
  #last = false;
  #type = 0;
  /** Bytes of data that the header announced, and where in the request they go. */
  #dataLength = 0;
  #dataAt = 0;

  constructor(slots: SlotTable, terms: ReplyTerms) {
    this.#slots = slots;
    this.#terms = terms;
  }

  header(header: ReplyHeader, plan: PayloadPlan): void {
    const pending = this.#slots.find(header.cookieHigh, header.cookieLow);
    if (pending === null) throw protocolError("a reply to a request that was not made");
    this.#current = pending;
    if (header.kind === "simple") this.#simple(pending, header, plan);
    else if (header.kind === "structured" && this.#terms.structured) this.#chunk(pending, header, plan);
    else throw protocolError(`a ${header.kind} reply, which was not negotiated`);
  }

  #simple(pending: PendingRequest, header: ReplyHeader, plan: PayloadPlan): void {
    const request = pending.request!;
    const { operation } = request;
    if (this.#terms.structured && (operation === "read" || (operation === "block-status" && header.error === 0))) {
      throw protocolError(`a simple reply to a ${operation} after structured replies were negotiated`);
    }
    this.#last = true;
    this.#type = NBD_REPLY_TYPE_OFFSET_DATA;
    if (header.error !== 0) {
      pending.error = answeredError(request, header.error, "");
    } else if (operation === "read") {
      this.#dataAt = 0;
      plan.stream = pending.length;
      pending.coverage.add(0, pending.length);
    }
  }

  #chunk(pending: PendingRequest, header: ReplyHeader, plan: PayloadPlan): void {
    const { operation } = pending.request!;
    const { type, length } = header;
    this.#last = (header.flags & NBD_REPLY_FLAG_DONE) !== 0;
    this.#type = type;
    if ((type & NBD_REPLY_TYPE_FLAG_ERROR) !== 0) {
      planError(type, length, plan);
    } else if (type === NBD_REPLY_TYPE_OFFSET_DATA && operation === "read") {
      if (length <= OFFSET_DATA_PREFIX) throw protocolError(`a data chunk of ${length} bytes`);
      this.#dataLength = length - OFFSET_DATA_PREFIX;
      plan.collect = OFFSET_DATA_PREFIX;
      plan.stream = this.#dataLength;
    } else if (type === NBD_REPLY_TYPE_OFFSET_HOLE && operation === "read") {
      if (length !== HOLE_LENGTH) throw protocolError(`a hole chunk of ${length} bytes`);
      plan.collect = length;
    } else if (type === NBD_REPLY_TYPE_BLOCK_STATUS && operation === "block-status") {
      if (pending.extentsSeen) throw protocolError("block status of one context came twice");
      if (length > MAX_BLOCK_STATUS || length < 12) throw protocolError(`a block status chunk of ${length} bytes`);
      plan.collect = length;
    } else if (type === NBD_REPLY_TYPE_NONE) {
      if (length !== 0 || !this.#last) throw protocolError("an empty chunk with a payload, or not at the end");
    } else {
      throw protocolError(`a chunk of type ${type} in reply to a ${operation}`);
    }
  }

  collected(source: Uint8Array, at: number, length: number): void {
    const pending = this.#current;
    if (this.#type === NBD_REPLY_TYPE_OFFSET_DATA) {
      this.#dataAt = this.#place(pending, readUint64(source, at), this.#dataLength);
      return;
    }
    const payload = source.subarray(at, at + length);
    if (this.#type === NBD_REPLY_TYPE_OFFSET_HOLE) {
      const hole = decodeOffsetHole(payload);
      const start = this.#place(pending, hole.offset, hole.length);
      if (!pending.detached) zeroIov(pending.request!.iov, start, hole.length);
    } else if (this.#type === NBD_REPLY_TYPE_BLOCK_STATUS) {
      this.#takeExtents(pending, payload);
    } else {
      takeError(pending, this.#type, payload);
    }
  }

  streamed(source: Uint8Array, at: number, end: number): void {
    if (this.#type !== NBD_REPLY_TYPE_OFFSET_DATA) return;
    const pending = this.#current;
    if (!pending.detached) {
      const { iov } = pending.request!;
      const run = source.subarray(at, end);
      if (iov.length === 1) iov[0]!.set(run, this.#dataAt);
      else copyToIov(iov, run, this.#dataAt);
    }
    this.#dataAt += end - at;
  }

  finished(): void {
    if (!this.#last) return;
    const pending = this.#current;
    if (pending.error === null) checkSuccess(pending);
    else if (!pending.detached) pending.request!.extents.length = 0;
    this.#slots.clear(pending.slot);
    pending.place = "over";
    this.answered.push(pending);
  }

  /** Where in the request a piece of a read belongs, if it belongs there at all. */
  #place(pending: PendingRequest, offset: number, length: number): number {
    const start = offset - pending.offset;
    if (!(start >= 0 && start + length <= pending.length)) throw protocolError("data outside of the read");
    if (!pending.coverage.add(start, length)) throw protocolError("data that overlaps, or too many pieces");
    return start;
  }

  #takeExtents(pending: PendingRequest, payload: Uint8Array): void {
    const status = decodeBlockStatus(payload);
    if (status.contextId !== this.#terms.allocationId) throw protocolError("block status of an unknown context");
    pending.extentsSeen = true;
    if (pending.detached) return;
    const { flags, extents } = pending.request!;
    const end = pending.offset + pending.length;
    const one = (flags & RequestFlag.REQ_ONE) !== 0;
    // The last extent may reach beyond the request, but with REQ_ONE; and nothing is to reach beyond the export.
    const limit = one ? end : this.#terms.size;
    let at = pending.offset;
    for (const extent of status.extents) {
      extents.push(allocationExtent(Math.min(extent.length, limit - at), extent.flags));
      at += extent.length;
      if (one || at >= end) break;
    }
  }
}

/** An error chunk: its text is collected, and whatever a later version of the protocol may add after it is skipped. */
function planError(type: number, length: number, plan: PayloadPlan): void {
  const fixed = type === NBD_REPLY_TYPE_ERROR_OFFSET ? ERROR_OFFSET_FIXED : ERROR_FIXED;
  const known = type === NBD_REPLY_TYPE_ERROR || type === NBD_REPLY_TYPE_ERROR_OFFSET;
  if (length < fixed || (known && length > fixed + NBD_MAX_STRING)) {
    throw protocolError(`an error chunk of ${length} bytes`);
  }
  plan.collect = Math.min(length, fixed + NBD_MAX_STRING);
  plan.stream = length - plan.collect;
}

function takeError(pending: PendingRequest, type: number, payload: Uint8Array): void {
  const { error, message, offset } = decodeErrorChunk(type, payload);
  if (offset !== undefined && !(offset >= pending.offset && offset < pending.offset + Math.max(1, pending.length))) {
    throw protocolError("an error at an offset outside of the request");
  }
  pending.error ??= answeredError(pending.request as BlockRequest, error, message, offset);
}

/** A reply without an error must have brought everything. */
function checkSuccess(pending: PendingRequest): void {
  const { operation } = pending.request!;
  if (operation === "read" && !pending.coverage.isComplete(pending.length)) {
    throw protocolError("a read whose data did not come in full");
  }
  if (operation === "block-status" && !pending.extentsSeen) {
    throw protocolError("a block status without extents");
  }
}
