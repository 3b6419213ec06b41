import {
  BlockError,
  checkRequest,
  defineCapabilities,
  RequestFlag,
  toBlockError,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
  type OpenContext,
} from "@rehandle/driver-sdk";
import { createMemoryStorage, type MemoryStorage, type MemoryStorageOptions } from "./memory-storage.ts";

/** Options of {@link createMemoryDriver}: either a `storage`, or the options of one. */
export interface MemoryDriverOptions extends Partial<MemoryStorageOptions> {
  /** Where the data is. Default: a new storage of `size` bytes, which lives as long as the driver. */
  storage?: MemoryStorage;
  /**
   * Declares other capabilities than the driver has by itself, e.g. `{ readOnly: true }`, `{ requestAlignment: 512 }` or
   * `{ fua: false }`; the driver keeps to them. `zeroCopy`, `abandon` and `reportsConnection` stay as they are.
   */
  capabilities?: Partial<Omit<DriverCapabilities, "size" | "zeroCopy" | "abandon" | "reportsConnection">>;
}

/**
 * A sparse disk in memory: memory is taken on the first write and given back by discard and write-zeroes. Requests complete
 * from within `submit`, without a copy. Discarded ranges read as zeroes. The instance is `fixed` and nothing is ever lost,
 * so flush and FUA have nothing to do.
 * @throws RangeError if an option is out of range or there is neither a storage nor a size.
 */
export function createMemoryDriver(options: MemoryDriverOptions): BlockDriver {
  const { storage, size, chunkSize, allocationLimit, capabilities = {} } = options;
  if (storage !== undefined) return new MemoryDriver(storage, capabilities);
  if (size === undefined) throw new RangeError("a memory driver needs a storage or a size");
  const created = createMemoryStorage({
    size,
    ...(chunkSize === undefined ? {} : { chunkSize }),
    ...(allocationLimit === undefined ? {} : { allocationLimit }),
  });
  return new MemoryDriver(created, capabilities);
}

const OWN: Partial<DriverCapabilities> = {
  flush: true,
  fua: true,
  discard: true,
  writeZeroes: true,
  fastZero: true,
  blockStatus: true,
  resize: true,
  multiConn: true,
};

class MemoryDriver implements BlockDriver {
  readonly driverName = "memory";
  resize?: (size: number) => Promise<void>;
  readonly #storage: MemoryStorage;
  readonly #declared: Partial<DriverCapabilities>;
  #capabilities: DriverCapabilities | null = null;
  #stopListening: (() => void) | null = null;
  #state: "new" | "open" | "closed" = "new";

  constructor(storage: MemoryStorage, declared: Partial<DriverCapabilities>) {
    this.#storage = storage;
    const all = { ...OWN, ...declared };
    const fastZero = all.fastZero === true && all.writeZeroes === true;
    this.#declared = { ...all, fastZero, zeroCopy: true, abandon: false, reportsConnection: false };
    // Throws now rather than from open.
    if (defineCapabilities({ ...this.#declared, size: storage.size }).resize) {
      this.resize = (size) => this.#resize(size);
    }
  }

  get capabilities(): DriverCapabilities {
    if (this.#capabilities === null) throw new BlockError("the driver is not open", { code: "EBADF" });
    return this.#capabilities;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    if (this.#state !== "new") {
      throw new BlockError("the driver was opened or closed before", { code: "EBADF", operation: "open" });
    }
    if (context.signal?.aborted === true) {
      throw new BlockError("the open was cancelled", { code: "ECANCELED", operation: "open" });
    }
    this.#state = "open";
    this.#stopListening = this.#storage.onResize((size) => {
      this.#measure();
      context.onEvent({ type: "resized", size });
    });
    return this.#measure();
  }

  submit(request: BlockRequest): void {
    request.complete(request, this.#perform(request));
  }

  async close(): Promise<void> {
    this.#state = "closed";
    this.#stopListening?.();
    this.#stopListening = null;
  }

  #measure(): DriverCapabilities {
    this.#capabilities = defineCapabilities({ ...this.#declared, size: this.#storage.size });
    return this.#capabilities;
  }

  #perform(request: BlockRequest): BlockError | null {
    if (this.#state !== "open" || this.#capabilities === null) return notOpen(request);
    const refusal = checkRequest(this.#capabilities, request);
    if (refusal !== null) return refusal;
    const { offset, length } = request;
    try {
      if (request.operation === "read") this.#storage.read(offset, request.iov);
      else if (request.operation === "write") this.#storage.write(offset, request.iov);
      else if (request.operation !== "flush") this.#performOther(request);
      return null;
    } catch (thrown) {
      return toBlockError(thrown, { operation: request.operation, offset, length });
    }
  }

  #performOther({ operation, offset, length, flags, extents }: BlockRequest): void {
    if (operation === "discard") this.#storage.zero(offset, length, true);
    else if (operation === "write-zeroes") this.#storage.zero(offset, length, (flags & RequestFlag.MAY_UNMAP) !== 0);
    else this.#storage.status(offset, length, extents, (flags & RequestFlag.REQ_ONE) !== 0 ? 1 : Infinity);
  }

  async #resize(size: number): Promise<void> {
    if (this.#state !== "open") throw new BlockError("the driver is not open", { code: "EBADF", operation: "resize" });
    if (this.#declared.readOnly === true) {
      throw new BlockError("resize of read-only storage", { code: "EROFS", operation: "resize" });
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new BlockError(`${size} is no size`, { code: "EINVAL", operation: "resize" });
    }
    this.#storage.resize(size);
  }
}

function notOpen({ operation, offset, length }: BlockRequest): BlockError {
  return new BlockError(`${operation} on a driver that is not open`, { code: "EBADF", operation, offset, length });
}
