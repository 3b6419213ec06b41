import type { BlockOperation, BlockRequest } from "@rehandle/driver-sdk";

/** Payloads are kept in slabs of at most this many bytes; a larger payload gets a slab of its own. */
const SLAB_BYTES = 256 * 1024;
/** A slab is no larger than this share of all that is kept. */
const SLAB_SHARE = 8;
/** Empty slabs that are kept for the next payloads, as a share of all that is kept: what a flush usually frees. */
const SPARE_SHARE = 4;

/** Records that are kept for the next writes. */
const SPARE_RECORDS = 4096;

/** Memory of several payloads. It is used again when no record and no attempt on its way points into it. */
export interface Slab {
  readonly bytes: Uint8Array;
  used: number;
  pins: number;
}

/** A write that was acknowledged to a client and is not yet known to be stable. Used again once it is. */
export interface ReplayRecord {
  operation: BlockOperation;
  offset: number;
  length: number;
  flags: number;
  /** Null for an operation without payload. */
  slab: Slab | null;
  /** Where in the slab the payload begins. */
  at: number;
}

/** What a log costs and when it is cut. */
export interface ReplayLogOptions {
  /** Payload bytes beyond which writes wait for a flush, at least 1. Default 32 MiB. */
  maxBytes?: number;
  /** Records beyond which writes wait for a flush, at least 1. Default 8192. */
  maxCount?: number;
}

/**
 * Acknowledged writes that no successful flush covers yet, oldest first, with copies of their payloads. If the backend
 * restarts it may have lost them; then they are written again. A FLUSH that is simply sent again would succeed without them.
 */
export class ReplayLog {
  readonly maxBytes: number;
  readonly maxCount: number;
  /** Records ever appended; the position of the next one. */
  position = 0;
  bytes = 0;
  #records: ReplayRecord[] = [];
  /** Index of the oldest live record in `#records`. */
  #start = 0;
  readonly #spareRecords: ReplayRecord[] = [];
  #slab: Slab | null = null;
  readonly #spare: Slab[] = [];
  readonly #slabBytes: number;

  /** @throws RangeError if a bound is not a number ≥ 1. */
  constructor(options: ReplayLogOptions = {}) {
    const { maxBytes = 32 * 1024 * 1024, maxCount = 8192 } = options;
    if (!(maxBytes >= 1 && maxCount >= 1)) throw new RangeError("replayLog.maxBytes and maxCount must be at least 1");
    this.maxBytes = maxBytes;
    this.maxCount = maxCount;
    this.#slabBytes = Math.min(SLAB_BYTES, Math.ceil(maxBytes / SLAB_SHARE));
  }

  get count(): number {
    return this.#records.length - this.#start;
  }

  /** So full that a flush should be under way. */
  get wantsFlush(): boolean {
    return this.bytes > this.maxBytes / 4 || this.count > this.maxCount / 8;
  }

  /** So full that writes have to wait. */
  get isFull(): boolean {
    return this.bytes >= this.maxBytes || this.count >= this.maxCount;
  }

  /** The record at `index`, 0 = oldest; valid until the log is cut. */
  at(index: number): Readonly<ReplayRecord> {
    return this.#records[this.#start + index]!;
  }

  /** Keeps a write that just completed; its payload is copied. */
  append(request: BlockRequest): void {
    const record = this.#spareRecords.pop() ?? createRecord();
    record.operation = request.operation;
    record.offset = request.offset;
    record.length = request.length;
    record.flags = request.flags;
    if (request.operation === "write") this.#keepPayload(record, request.iov);
    this.#records.push(record);
    this.position += 1;
  }

  /** A flush that was submitted when `position` was this succeeded: what came before is stable. */
  trim(position: number): void {
    let drop = this.count - (this.position - position);
    for (; drop > 0; drop -= 1) {
      const record = this.#records[this.#start]!;
      this.#start += 1;
      if (record.slab !== null) {
        this.bytes -= record.length;
        this.unpin(record.slab);
        record.slab = null;
      }
      if (this.#spareRecords.length < SPARE_RECORDS) this.#spareRecords.push(record);
    }
    if (this.#start > 1024 && this.#start * 2 > this.#records.length) {
      this.#records = this.#records.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Keeps a slab's memory while an attempt points into it. */
  pin(slab: Slab): void {
    slab.pins += 1;
  }

  /** Takes one pin back. */
  unpin(slab: Slab): void {
    slab.pins -= 1;
    if (slab.pins > 0) return;
    slab.used = 0;
    if (slab === this.#slab) return;
    if (slab.bytes.length === this.#slabBytes && this.#spare.length * this.#slabBytes < this.maxBytes / SPARE_SHARE)
      this.#spare.push(slab);
  }

  #keepPayload(record: ReplayRecord, iov: readonly Uint8Array[]): void {
    const slab = this.#slabFor(record.length);
    record.slab = slab;
    record.at = slab.used;
    for (const part of iov) {
      slab.bytes.set(part, slab.used);
      slab.used += part.length;
    }
    slab.pins += 1;
    this.bytes += record.length;
  }

  #slabFor(length: number): Slab {
    if (length > this.#slabBytes) return { bytes: new Uint8Array(length), used: 0, pins: 0 };
    if (this.#slab !== null && this.#slab.used + length <= this.#slabBytes) return this.#slab;
    const full = this.#slab;
    this.#slab = this.#spare.pop() ?? { bytes: new Uint8Array(this.#slabBytes), used: 0, pins: 0 };
    if (full !== null && full.pins === 0) this.#spare.push(full);
    return this.#slab;
  }
}

function createRecord(): ReplayRecord {
  return { operation: "write", offset: 0, length: 0, flags: 0, slab: null, at: 0 };
}
