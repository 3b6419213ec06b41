import { RequestFlag, type BlockRequest } from "@rehandle/driver-sdk";
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_FLAG_FAST_ZERO,
  NBD_CMD_FLAG_FUA,
  NBD_CMD_FLAG_NO_HOLE,
  NBD_CMD_FLAG_REQ_ONE,
  NBD_CMD_FLUSH,
  NBD_CMD_READ,
  NBD_CMD_TRIM,
  NBD_CMD_WRITE,
  NBD_CMD_WRITE_ZEROES,
  REQUEST_HEADER_LENGTH,
  writeRequestHeader,
} from "@rehandle/nbd/protocol";
import type { PendingRequest } from "./pending-request.ts";

/** Payloads up to this are copied: many small parts cost Node more than the copy, and the submitter's buffers are free at once. */
const COPY_UP_TO = 64 * 1024;
const SLAB = 256 * 1024;

const COMMANDS = {
  read: NBD_CMD_READ,
  write: NBD_CMD_WRITE,
  flush: NBD_CMD_FLUSH,
  discard: NBD_CMD_TRIM,
  "write-zeroes": NBD_CMD_WRITE_ZEROES,
  "block-status": NBD_CMD_BLOCK_STATUS,
} as const;

/** True if the request's payload goes out from the submitter's own buffers. */
export function goesByReference(request: BlockRequest): boolean {
  return request.operation === "write" && request.length > COPY_UP_TO;
}

/** Builds what one write to the socket carries: any number of requests, their headers and small payloads in one slab. */
export class RequestEncoder {
  readonly #slab: Buffer = Buffer.allocUnsafeSlow(SLAB);
  #used = 0;
  /** Where the bytes of the slab begin that are in no part yet. */
  #partStart = 0;
  #parts: Uint8Array[] = [];

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  /** True if the slab has room for this request. Anything fits into an empty one. */
  fits(pending: PendingRequest): boolean {
    return this.#used + REQUEST_HEADER_LENGTH + copiedLength(pending) <= SLAB;
  }

  /** Adds a request that fits. */
  add(pending: PendingRequest, cookieHigh: number): void {
    const request = pending.request!;
    this.#used = writeRequestHeader(
      this.#slab,
      this.#used,
      commandFlags(request),
      COMMANDS[request.operation],
      cookieHigh,
      pending.slot,
      pending.offset,
      pending.length,
    );
    if (request.operation !== "write") return;
    if (goesByReference(request)) this.#refer(request.iov);
    else this.#copy(request.iov);
  }

  /** Everything that was added, to be written as it is. Nothing may be added before {@link reset}. */
  takeParts(): Uint8Array[] {
    this.#closePart();
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** The bytes of the last parts are no longer needed. */
  reset(): void {
    this.#used = 0;
    this.#partStart = 0;
  }

  #copy(iov: readonly Uint8Array[]): void {
    for (const part of iov) {
      this.#slab.set(part, this.#used);
      this.#used += part.length;
    }
  }

  #refer(iov: readonly Uint8Array[]): void {
    this.#closePart();
    for (const part of iov) if (part.length > 0) this.#parts.push(part);
  }

  #closePart(): void {
    if (this.#used > this.#partStart) this.#parts.push(this.#slab.subarray(this.#partStart, this.#used));
    this.#partStart = this.#used;
  }
}

function copiedLength(pending: PendingRequest): number {
  const request = pending.request!;
  return request.operation === "write" && !goesByReference(request) ? pending.length : 0;
}

/** NBD's flags for a request's. What was not declared does not come here. */
function commandFlags(request: BlockRequest): number {
  const { operation, flags } = request;
  switch (operation) {
    case "write":
    case "discard":
      return flags & RequestFlag.FUA ? NBD_CMD_FLAG_FUA : 0;
    case "write-zeroes":
      return (
        (flags & RequestFlag.FUA ? NBD_CMD_FLAG_FUA : 0) |
        (flags & RequestFlag.MAY_UNMAP ? 0 : NBD_CMD_FLAG_NO_HOLE) |
        (flags & RequestFlag.NO_FALLBACK ? NBD_CMD_FLAG_FAST_ZERO : 0)
      );
    case "block-status":
      return flags & RequestFlag.REQ_ONE ? NBD_CMD_FLAG_REQ_ONE : 0;
    default:
      return 0;
  }
}
