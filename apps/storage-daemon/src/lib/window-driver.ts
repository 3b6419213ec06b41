import {
  checkRequest,
  createRequest,
  defineCapabilities,
  type BlockDriver,
  type BlockError,
  type BlockRequest,
  type DriverCapabilities,
  type OpenContext,
} from "@rehandle/driver-sdk";

/** Which part of the storage is shown. */
export interface WindowOptions {
  /** Where the part begins, bytes. Default 0. */
  readonly offset?: number;
  /** How long it is, bytes. Default: up to the end. */
  readonly size?: number;
}

/** Requests that are kept for later ones. */
const POOL_SIZE = 1024;

/**
 * A part of another driver's storage, as QEMU's `raw` driver with `offset` and `size` shows it. The driver below is opened
 * and closed with it. The caller has made sure that the part lies within the storage and is aligned.
 */
export function createWindowDriver(inner: BlockDriver, options: WindowOptions): BlockDriver {
  return new WindowDriver(inner, options);
}

class WindowDriver implements BlockDriver {
  readonly driverName = "raw";
  readonly #inner: BlockDriver;
  readonly #options: WindowOptions;
  readonly #pool: BlockRequest[] = [];
  #capabilities: DriverCapabilities | null = null;

  constructor(inner: BlockDriver, options: WindowOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  get capabilities(): DriverCapabilities {
    return this.#capabilities ?? this.#inner.capabilities;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    await this.#inner.open({
      ...context,
      onEvent: (event) => {
        if (event.type !== "resized") context.onEvent(event);
        else if (this.#options.size === undefined) {
          this.#describe();
          context.onEvent({ type: "resized", size: this.capabilities.size });
        }
      },
    });
    this.#describe();
    return this.capabilities;
  }

  submit(request: BlockRequest): void {
    if (this.#capabilities === null) {
      // The driver below knows what to say.
      this.#inner.submit(request);
      return;
    }
    const invalid = checkRequest(this.#capabilities, request);
    if (invalid !== null) {
      request.complete(request, invalid);
      return;
    }
    const inner = this.#pool.pop() ?? createRequest({ complete: this.#onDone });
    inner.operation = request.operation;
    inner.offset = request.operation === "flush" ? 0 : request.offset + (this.#options.offset ?? 0);
    inner.length = request.length;
    inner.flags = request.flags;
    inner.iov = request.iov;
    inner.extents = request.extents;
    inner.owner = request;
    request.driverState = inner;
    this.#inner.submit(inner);
  }

  abandon(request: BlockRequest): boolean {
    const inner = request.driverState as BlockRequest | null;
    if (inner === null || inner.owner !== request) return false;
    return this.#inner.abandon?.(inner) ?? false;
  }

  cancel(request: BlockRequest): void {
    const inner = request.driverState as BlockRequest | null;
    if (inner?.owner === request) this.#inner.cancel?.(inner);
  }

  reconnectNow(): void {
    this.#inner.reconnectNow?.();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  readonly #onDone = (inner: BlockRequest, error: BlockError | null): void => {
    const request = inner.owner as BlockRequest;
    inner.owner = null;
    inner.iov = [];
    inner.extents = [];
    if (this.#pool.length < POOL_SIZE) this.#pool.push(inner);
    request.driverState = null;
    if (error === null && request.operation === "block-status") cutExtents(request, this.capabilities.size);
    request.complete(request, error);
  };

  #describe(): void {
    const inner = this.#inner.capabilities;
    const { offset = 0, size = Math.max(0, inner.size - offset) } = this.#options;
    this.#capabilities = defineCapabilities({ ...inner, size, resize: false });
  }
}

/** An extent may reach beyond the request, but not beyond the end of the part. */
function cutExtents(request: BlockRequest, size: number): void {
  const { extents } = request;
  let at = request.offset;
  for (let i = 0; i < extents.length; i += 1) {
    const extent = extents[i]!;
    if (at >= size) {
      extents.length = i;
      return;
    }
    extent.length = Math.min(extent.length, size - at);
    at += extent.length;
  }
}
