/** Buffers up to this size are kept for later, bytes. */
const LARGEST_KEPT = 128 * 1024;
/** The smallest class, bytes. */
const SMALLEST_SHIFT = 12;
/** Buffers of one class that are kept. */
const KEPT_PER_CLASS = 64;

/** Buffers for devices that do not let the driver touch guest memory. */
export class BounceBuffers {
  readonly #free: ArrayBuffer[][] = [];
  #taken = 0;

  /** Bytes that were taken and not put back. */
  get taken(): number {
    return this.#taken;
  }

  /** `length` bytes, > 0, with anything in them. */
  take(length: number): Uint8Array {
    this.#taken += length;
    const size = classOf(length);
    const buffer = this.#free[size]?.pop() ?? new ArrayBuffer(length > LARGEST_KEPT ? length : 2 ** size);
    return new Uint8Array(buffer, 0, length);
  }

  /** Gives a buffer back that nobody reads or writes any more. */
  put(bytes: Uint8Array): void {
    this.forget(bytes);
    if (bytes.buffer.byteLength > LARGEST_KEPT) return;
    const free = (this.#free[classOf(bytes.length)] ??= []);
    if (free.length < KEPT_PER_CLASS) free.push(bytes.buffer as ArrayBuffer);
  }

  /** A buffer will not come back: somebody may still touch it. */
  forget(bytes: Uint8Array): void {
    this.#taken -= bytes.length;
  }
}

function classOf(length: number): number {
  return Math.max(SMALLEST_SHIFT, 32 - Math.clz32(length - 1));
}
