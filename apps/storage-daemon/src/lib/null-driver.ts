import {
  checkRequest,
  defineCapabilities,
  type BlockDriver,
  type BlockRequest,
  type Clock,
  type DriverCapabilities,
  type OpenContext,
} from "@rehandle/driver-sdk";

/** Options of {@link createNullDriver}. */
export interface NullDriverOptions {
  /** Bytes. */
  readonly size: number;
  /** How long a request takes, ms. Default 0: it completes from within `submit`. */
  readonly latencyMs?: number;
}

/** QEMU's `null-co`: writes are forgotten and reads give zeroes, for measurements of everything else. */
export function createNullDriver(options: NullDriverOptions): BlockDriver {
  return new NullDriver(options);
}

class NullDriver implements BlockDriver {
  readonly driverName = "null-co";
  readonly capabilities: DriverCapabilities;
  readonly #latencyMs: number;
  readonly #waiting = new Set<BlockRequest>();
  #clock: Clock | null = null;

  constructor({ size, latencyMs = 0 }: NullDriverOptions) {
    this.#latencyMs = latencyMs;
    this.capabilities = defineCapabilities({
      size,
      flush: true,
      fua: true,
      discard: true,
      writeZeroes: true,
      fastZero: true,
      blockStatus: true,
      multiConn: true,
      zeroCopy: true,
    });
  }

  open({ clock }: OpenContext): Promise<DriverCapabilities> {
    this.#clock = clock;
    return Promise.resolve(this.capabilities);
  }

  submit(request: BlockRequest): void {
    const invalid = checkRequest(this.capabilities, request);
    if (invalid !== null) {
      request.complete(request, invalid);
    } else if (this.#latencyMs === 0 || this.#clock === null) {
      finish(request);
    } else {
      this.#waiting.add(request);
      this.#clock.setTimer(this.#latencyMs, () => {
        if (this.#waiting.delete(request)) finish(request);
      });
    }
  }

  close(): Promise<void> {
    for (const request of this.#waiting) finish(request);
    this.#waiting.clear();
    return Promise.resolve();
  }
}

function finish(request: BlockRequest): void {
  if (request.operation === "read") for (const part of request.iov) part.fill(0);
  if (request.operation === "block-status") request.extents.push({ length: request.length, hole: true, zero: true });
  request.complete(request, null);
}
