import { copyToIov } from "@rehandle/driver-sdk";

import { type GuestMemory, MemoryPlace } from "../memory/guest-memory.ts";
import {
  HEADER_BYTES,
  RequestHeader,
  gatherReadable,
  markWritten,
  translateReadable,
  translateWritable,
} from "./chain-data.ts";
import type { DeviceLimits } from "./config-space.ts";
import type { DeviceRequest } from "./device-request.ts";
import { RECORD_BYTES } from "./range-records.ts";
import { ID_BYTES, SECTOR_SIZE, VirtioBlkRequestType, VirtioBlkStatus } from "./request-type.ts";

/** Not a status: the request is to be carried out. */
export const EXECUTE = -1;

/** Not a status: the chain is nothing that a block device can work with; the device needs a reset. */
export const MALFORMED = -2;

/** What a request is judged by; changes with what is negotiated and with the size. */
export interface RequestRules {
  limits: DeviceLimits;
  /** The guest may write. */
  writable: boolean;
  /** DISCARD was negotiated. */
  discard: boolean;
  /** WRITE_ZEROES was negotiated. */
  writeZeroes: boolean;
  /** Every write has to be stable before it completes. */
  writethrough: boolean;
  /** What GET_ID answers, 20 bytes. */
  readonly id: Uint8Array;
}

/** Reads a request and says what is to be done with it. It moves no data but that of GET_ID. */
export class RequestDecider {
  readonly rules: RequestRules;
  /** Why the last request was {@link MALFORMED}, in QEMU's words. */
  reason = "";
  readonly #header: RequestHeader = new RequestHeader();
  readonly #place: MemoryPlace = new MemoryPlace();
  #records: Uint8Array = new Uint8Array(0);

  constructor(rules: RequestRules) {
    this.rules = rules;
  }

  /** A status to complete the request with, or {@link EXECUTE}, and the request says how; or {@link MALFORMED}. */
  decide(memory: GuestMemory, request: DeviceRequest): number {
    const { chain } = request;
    if (chain.readableParts === 0 || chain.writableLength === 0) return this.#malformed("virtio-blk missing headers");
    if (chain.readableLength < HEADER_BYTES) return this.#malformed("virtio-blk request outhdr too short");
    if (!this.#header.read(memory, chain, this.#place)) return this.#notMemory();
    switch (this.#header.type) {
      case VirtioBlkRequestType.IN:
        return this.#decideRead(memory, request);
      case VirtioBlkRequestType.OUT:
        return this.#decideWrite(memory, request);
      case VirtioBlkRequestType.FLUSH:
        request.kind = "flush";
        return EXECUTE;
      case VirtioBlkRequestType.GET_ID:
        return this.#answerId(memory, request);
      case VirtioBlkRequestType.DISCARD:
        return this.rules.discard ? this.#decideRanges(memory, request, "discard") : VirtioBlkStatus.UNSUPP;
      case VirtioBlkRequestType.WRITE_ZEROES:
        return this.rules.writeZeroes ? this.#decideRanges(memory, request, "write-zeroes") : VirtioBlkStatus.UNSUPP;
      default:
        return VirtioBlkStatus.UNSUPP;
    }
  }

  #decideRead(memory: GuestMemory, request: DeviceRequest): number {
    const length = request.chain.writableLength - 1;
    if (!this.#isInRange(length)) return VirtioBlkStatus.IOERR;
    if (!translateWritable(memory, request.chain, length, request.iov)) return this.#notMemory();
    return this.#transfer(request, "read", length);
  }

  #decideWrite(memory: GuestMemory, request: DeviceRequest): number {
    const length = request.chain.readableLength - HEADER_BYTES;
    if (!this.rules.writable || !this.#isInRange(length)) return VirtioBlkStatus.IOERR;
    if (!translateReadable(memory, request.chain, request.iov)) return this.#notMemory();
    request.stable = this.rules.writethrough;
    return this.#transfer(request, "write", length);
  }

  #transfer(request: DeviceRequest, kind: "read" | "write", length: number): number {
    if (length === 0) return VirtioBlkStatus.OK;
    request.kind = kind;
    request.offset = this.#header.sector * SECTOR_SIZE;
    request.length = length;
    return EXECUTE;
  }

  #isInRange(length: number): boolean {
    const { capacity, logicalBlockSize } = this.rules.limits;
    const { sector } = this.#header;
    if (length % logicalBlockSize !== 0) return false;
    return (sector * SECTOR_SIZE) % logicalBlockSize === 0 && sector + length / SECTOR_SIZE <= capacity;
  }

  #decideRanges(memory: GuestMemory, request: DeviceRequest, kind: "discard" | "write-zeroes"): number {
    const length = request.chain.readableLength - HEADER_BYTES;
    const count = length / RECORD_BYTES;
    const { limits, writable } = this.rules;
    if (!writable || count < 1 || !Number.isInteger(count) || count > limits.maxRanges) return VirtioBlkStatus.IOERR;
    if (this.#records.length !== length) this.#records = new Uint8Array(length);
    if (!gatherReadable(memory, request.chain, HEADER_BYTES, this.#records)) return this.#notMemory();
    const status = request.ranges.parse(this.#records, limits, kind === "write-zeroes");
    if (status !== VirtioBlkStatus.OK) return status;
    request.kind = kind;
    // What a discarded range reads as is not defined, before and after a crash: nothing has to be stable.
    request.stable = kind === "write-zeroes" && this.rules.writethrough;
    return EXECUTE;
  }

  #answerId(memory: GuestMemory, request: DeviceRequest): number {
    const { chain, iov } = request;
    const length = Math.min(ID_BYTES, chain.writableLength - 1);
    if (!translateWritable(memory, chain, length, iov)) return this.#notMemory();
    copyToIov(iov, this.rules.id.length === length ? this.rules.id : this.rules.id.subarray(0, length));
    markWritten(memory, chain, length);
    request.written = length;
    return VirtioBlkStatus.OK;
  }

  #notMemory(): typeof MALFORMED {
    return this.#malformed("virtio-blk request is not in guest memory");
  }

  #malformed(reason: string): typeof MALFORMED {
    this.reason = reason;
    return MALFORMED;
  }
}
