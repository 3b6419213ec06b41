import type { BlockDriver, OpenContext } from "../lib/block-driver.ts";
import { BlockError } from "../lib/block-error.ts";
import { RequestFlag, type BlockRequest } from "../lib/block-request.ts";
import { defineCapabilities, type DriverCapabilities } from "../lib/capabilities.ts";
import { checkRequest } from "../lib/check-request.ts";
import { copyFromIov, copyToIov } from "../lib/iov.ts";

/** A correct driver over one array, every step of which a subclass may spoil. Optionally as slow as a timer's turn. */
export class ArrayDriver implements BlockDriver {
  driverName: string = "array";
  bytes: Uint8Array;
  declared: Partial<DriverCapabilities> = {
    flush: true,
    fua: true,
    discard: true,
    writeZeroes: true,
    fastZero: true,
    blockStatus: true,
    resize: true,
  };
  context: OpenContext | null = null;
  isOpen: boolean = false;
  /** Requests that wait for their turn, if the driver is slow. */
  readonly waiting: Set<BlockRequest> = new Set();
  readonly slow: boolean;

  constructor(bytes: Uint8Array, slow = false) {
    this.bytes = bytes;
    this.slow = slow;
  }

  get capabilities(): DriverCapabilities {
    if (!this.isOpen) throw new BlockError("not open", { code: "EBADF" });
    return defineCapabilities({ ...this.declared, size: this.bytes.length });
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    this.context = context;
    this.isOpen = true;
    return this.capabilities;
  }

  submit(request: BlockRequest): void {
    const error = this.isOpen ? this.check(request) : new BlockError("not open", { code: "EBADF" });
    if (error !== null) request.complete(request, error);
    else if (this.slow) {
      this.waiting.add(request);
      this.context?.clock.setTimer(1, () => {
        if (this.waiting.delete(request)) request.complete(request, this.perform(request));
      });
    } else request.complete(request, this.perform(request));
  }

  check(request: BlockRequest): BlockError | null {
    return checkRequest(this.capabilities, request);
  }

  perform(request: BlockRequest): BlockError | null {
    const { operation, offset, length } = request;
    if (operation === "read") this.read(request);
    else if (operation === "write") this.write(request);
    else if (operation === "write-zeroes" || operation === "discard") this.bytes.fill(0, offset, offset + length);
    else if (operation === "block-status") this.status(request);
    return null;
  }

  read({ iov, offset, length }: BlockRequest): void {
    copyToIov(iov, this.bytes.subarray(offset, offset + length));
  }

  write({ iov, offset, length }: BlockRequest): void {
    copyFromIov(iov, this.bytes.subarray(offset, offset + length));
  }

  /** Runs of zero and other bytes, in blocks of 512. */
  status({ offset, length, flags, extents }: BlockRequest): void {
    let at = offset;
    while (at < offset + length) {
      const block = Math.min(offset + length, (Math.floor(at / 512) + 1) * 512);
      const zero = this.bytes.subarray(at, block).every((byte) => byte === 0);
      const last = extents.at(-1);
      if (last?.zero === zero) last.length += block - at;
      else if (last !== undefined && (flags & RequestFlag.REQ_ONE) !== 0) return;
      else extents.push({ length: block - at, hole: false, zero });
      at = block;
    }
  }

  async resize(size: number): Promise<void> {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new BlockError("no size", { code: "EINVAL", operation: "resize" });
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, size));
    this.bytes = bytes;
    this.context?.onEvent({ type: "resized", size });
  }

  async close(): Promise<void> {
    for (const request of this.waiting) request.complete(request, new BlockError("closed", { code: "ECANCELED" }));
    this.waiting.clear();
    this.isOpen = false;
  }
}
