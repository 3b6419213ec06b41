import { BlockError, copyFromIov, copyToIov, RequestFlag, type BlockRequest } from "@rehandle/driver-sdk";
import { VirtioBlkFeature, VirtioBlkRequestType, VirtioBlkStatus } from "@rehandle/virtio-blk";
import type { VirtioBlockConfig } from "./block-config.ts";
import type { BlockCommand, BlockQueue } from "./block-queue.ts";
import { createDriverRequest, NOWHERE, setParts, type DriverRequest } from "./driver-request.ts";
import type { FrontEndMemory } from "./front-end-memory.ts";

const SECTOR_SIZE = 512;
/** Bytes of the record of a discard or write-zeroes: sector u64, num_sectors u32, flags u32. */
const RECORD_BYTES = 16;
const UNMAP = 1;

/** What requests need to know of the device. */
export interface RequestLimits {
  readonly config: VirtioBlockConfig;
  /** What was negotiated. */
  readonly features: bigint;
}

/**
 * Carries a driver's requests through guest memory to the queues of one connection: payloads are copied, as a request's own
 * buffers are not shared with the back end.
 */
export class DriverRequests {
  readonly #memory: FrontEndMemory;
  readonly #queues: readonly BlockQueue[];
  readonly #pool: DriverRequest[] = [];
  /** Those that have no buffer yet. */
  readonly #waiting: DriverRequest[] = [];
  readonly #hasFlush: boolean;
  readonly #partBytes: number;
  readonly #rangeBytes: { readonly discard: number; readonly "write-zeroes": number };
  readonly #mayUnmap: boolean;
  #nextQueue = 0;
  #inFlight = 0;
  #onIdle: (() => void) | null = null;

  constructor(memory: FrontEndMemory, queues: readonly BlockQueue[], { config, features }: RequestLimits) {
    this.#memory = memory;
    this.#queues = queues;
    this.#hasFlush = (features & VirtioBlkFeature.FLUSH) !== 0n;
    this.#partBytes = partBytes(config);
    this.#rangeBytes = {
      discard: rangeBytes(config.discard?.maxSectors),
      "write-zeroes": rangeBytes(config.writeZeroes?.maxSectors),
    };
    this.#mayUnmap = config.writeZeroes?.mayUnmap === true;
  }

  /** Takes a request that was checked. */
  submit(request: BlockRequest): void {
    const { operation, length } = request;
    if (operation === "flush" ? !this.#hasFlush : length === 0) return request.complete(request, null);
    const entry = this.#pool.pop() ?? createDriverRequest((command, status) => this.#completed(command, status));
    entry.request = request;
    entry.sent = 0;
    entry.bytes = bufferBytes(request);
    this.#inFlight += 1;
    if (this.#waiting.length > 0 || !this.#allocate(entry)) this.#waiting.push(entry);
    else this.#send(entry);
  }

  /** Calls `onIdle`, once, when the back end has nothing of it; what it was not sent is completed with ECANCELED. */
  drain(onIdle: () => void): void {
    const waiting = this.#waiting.splice(0);
    for (const entry of waiting) this.#finish(entry, failed(entry.request!, "ECANCELED", "the driver was closed"));
    if (this.#inFlight === 0) onIdle();
    else this.#onIdle = onIdle;
  }

  /** The back end is gone: completes everything with an error. */
  abandon(error: BlockError): void {
    const waiting = this.#waiting.splice(0);
    for (const queue of this.#queues) queue.abandon();
    for (const entry of waiting) this.#finish(entry, lost(entry.request!, error.message));
  }

  #allocate(entry: DriverRequest): boolean {
    if (entry.bytes === 0) return true;
    try {
      entry.address = this.#memory.allocate(entry.bytes, SECTOR_SIZE);
      return true;
    } catch {
      return false;
    }
  }

  #send(entry: DriverRequest): void {
    const { command, data } = entry;
    const { operation, offset, iov } = entry.request!;
    command.type = typeOf(operation);
    command.sector = 0;
    command.deviceWrites = operation === "read";
    if (operation === "discard" || operation === "write-zeroes") {
      this.#writeRecord(entry, operation);
      setParts(data, entry.address, RECORD_BYTES, RECORD_BYTES);
    } else {
      command.sector = offset / SECTOR_SIZE;
      setParts(data, entry.address, entry.bytes, this.#partBytes);
      if (operation === "write") copyFromIov(iov, this.#memory.bytes(entry.address, entry.bytes));
    }
    this.#nextQueue = (this.#nextQueue + 1) % this.#queues.length;
    this.#queues[this.#nextQueue]!.submit(command);
  }

  /** The next piece of a range. */
  #writeRecord(entry: DriverRequest, operation: "discard" | "write-zeroes"): void {
    const { offset, length, flags } = entry.request!;
    const bytes = Math.min(this.#rangeBytes[operation], length - entry.sent);
    const sector = (offset + entry.sent) / SECTOR_SIZE;
    const unmap = operation === "write-zeroes" && this.#mayUnmap && (flags & RequestFlag.MAY_UNMAP) !== 0;
    const record = this.#memory.bytes(entry.address, RECORD_BYTES);
    const view = new DataView(record.buffer, record.byteOffset, RECORD_BYTES);
    view.setUint32(0, sector >>> 0, true);
    view.setUint32(4, Math.floor(sector / 2 ** 32), true);
    view.setUint32(8, bytes / SECTOR_SIZE, true);
    view.setUint32(12, unmap ? UNMAP : 0, true);
    entry.sent += bytes;
  }

  #completed(command: BlockCommand, status: number): void {
    const entry = command.owner as DriverRequest;
    const request = entry.request!;
    const { operation, length, iov } = request;
    if (status !== VirtioBlkStatus.OK) return this.#finish(entry, answered(request, status));
    if (operation === "read") copyToIov(iov, this.#memory.bytes(entry.address, entry.bytes));
    const isRange = operation === "discard" || operation === "write-zeroes";
    if (isRange && entry.sent < length) this.#send(entry);
    else this.#finish(entry, null);
  }

  #finish(entry: DriverRequest, error: BlockError | null): void {
    const request = entry.request!;
    if (entry.address !== NOWHERE) this.#memory.free(entry.address);
    entry.address = NOWHERE;
    entry.request = null;
    this.#pool.push(entry);
    this.#inFlight -= 1;
    request.complete(request, error);
    while (this.#waiting.length > 0 && this.#allocate(this.#waiting[0]!)) this.#send(this.#waiting.shift()!);
    if (this.#inFlight > 0 || this.#onIdle === null) return;
    const onIdle = this.#onIdle;
    this.#onIdle = null;
    onIdle();
  }
}

function bufferBytes({ operation, length }: BlockRequest): number {
  if (operation === "flush") return 0;
  return operation === "read" || operation === "write" ? length : RECORD_BYTES;
}

/** The longest part of a request. Some back ends offer the field and leave it 0. */
function partBytes({ sizeMax }: VirtioBlockConfig): number {
  return sizeMax === null || sizeMax < SECTOR_SIZE ? Infinity : sizeMax;
}

/** The longest range of one record; the device does it in one go, and 1 GiB of that is enough. */
function rangeBytes(maxSectors: number | undefined): number {
  return Math.min(maxSectors === undefined || maxSectors === 0 ? Infinity : maxSectors * SECTOR_SIZE, 2 ** 30);
}

function typeOf(operation: BlockRequest["operation"]): number {
  switch (operation) {
    case "read":
      return VirtioBlkRequestType.IN;
    case "write":
      return VirtioBlkRequestType.OUT;
    case "discard":
      return VirtioBlkRequestType.DISCARD;
    case "write-zeroes":
      return VirtioBlkRequestType.WRITE_ZEROES;
    default:
      return VirtioBlkRequestType.FLUSH;
  }
}

function answered(request: BlockRequest, status: number): BlockError {
  if (status === -1) return lost(request, "the connection to the back end is lost");
  const unsupported = status === VirtioBlkStatus.UNSUPP;
  return failed(request, unsupported ? "ENOTSUP" : "EIO", `the back end answered status ${status}`);
}

/** A request that the back end did not answer, or was never sent because the way to it is lost. */
export function lost(request: BlockRequest, why: string): BlockError {
  return failed(request, "ECONNRESET", why);
}

/** The error of a request. */
export function failed(request: BlockRequest, code: string, why: string): BlockError {
  const { operation, offset, length } = request;
  const message = `${operation} of ${length} bytes at ${offset}: ${why}`;
  return new BlockError(message, { code, operation, offset, length });
}
