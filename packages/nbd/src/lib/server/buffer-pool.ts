/** Bytes before the payload of a pooled buffer that belong to it: room for a reply's header. */
export const HEADROOM = 32;

/** The smallest class holds payloads of 4 KiB. */
const SMALLEST_SHIFT = 12;
/** The largest class holds payloads of 32 MiB. */
const LARGEST_SHIFT = 25;

/**
 * Buffers of the smallest class that are cut from one piece of memory. A piece of its own takes some 400 bytes more, which
 * counts where thousands of small writes are held.
 */
const SMALLEST_TOGETHER = 16;

/** A buffer that goes round. Whoever takes it gives it back exactly once, when nobody reads or writes it any more. */
export class PooledBuffer {
  /** The memory that it is a part of: a view of its own would take a hundred bytes more of each small write that is held. */
  readonly bytes: Buffer;
  /** @internal Index of its class. */
  readonly sizeClass: number;
  #payload: Uint8Array;

  /** @param start where in `bytes` its headroom begins. */
  constructor(sizeClass: number, bytes: Buffer, start: number) {
    this.bytes = bytes;
    this.sizeClass = sizeClass;
    this.#payload = this.#view(start + HEADROOM, sizeOf(sizeClass) - HEADROOM);
  }

  /** Where in `bytes` the payload starts, after {@link HEADROOM}. */
  get at(): number {
    return this.#payload.byteOffset - this.bytes.byteOffset;
  }

  /** How much memory is its own, bytes. */
  get size(): number {
    return sizeOf(this.sizeClass);
  }

  /** The first `length` bytes of the payload. The view is kept, as requests of one client tend to have one size. */
  payload(length: number): Uint8Array {
    if (this.#payload.length !== length) {
      this.#payload = this.#view(this.at, length);
    }
    return this.#payload;
  }

  #view(at: number, length: number): Uint8Array {
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + at, length);
  }
}

/** Bytes of a buffer of this class. */
function sizeOf(sizeClass: number): number {
  return HEADROOM + (1 << (sizeClass + SMALLEST_SHIFT));
}

/** Buffers in classes of powers of two, from 4 KiB to 32 MiB; shared by all connections of a server. */
export class BufferPool {
  readonly #free: PooledBuffer[][] = [];
  readonly #maxFreeBytes: number;
  #freeBytes = 0;
  /** What the next buffers of the smallest class are cut from, and how much of it is left. */
  #piece: Buffer = Buffer.alloc(0);
  #pieceLeft = 0;

  /** @param maxFreeBytes how much memory the pool may keep for later; what comes back beyond it is left to the collector. */
  constructor(maxFreeBytes: number) {
    this.#maxFreeBytes = maxFreeBytes;
    for (let shift = SMALLEST_SHIFT; shift <= LARGEST_SHIFT; shift += 1) this.#free.push([]);
  }

  /** Bytes that lie here unused. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** A buffer for a payload of `length` bytes, 0 … 32 MiB. What it holds is left from before. */
  take(length: number): PooledBuffer {
    const shift = 32 - Math.clz32(Math.max(length, 1) - 1);
    const sizeClass = Math.max(0, shift - SMALLEST_SHIFT);
    const free = this.#free[sizeClass];
    if (free === undefined) throw new RangeError(`no buffers of ${length} bytes`);
    const buffer = free.pop();
    if (buffer === undefined) return this.#create(sizeClass);
    this.#freeBytes -= buffer.size;
    return buffer;
  }

  /** Never out of Node's shared slab: this memory is handed to drivers for long. */
  #create(sizeClass: number): PooledBuffer {
    const size = sizeOf(sizeClass);
    if (sizeClass > 0) return new PooledBuffer(sizeClass, Buffer.allocUnsafeSlow(size), 0);
    if (this.#pieceLeft < size) {
      this.#piece = Buffer.allocUnsafeSlow(size * SMALLEST_TOGETHER);
      this.#pieceLeft = this.#piece.length;
    }
    this.#pieceLeft -= size;
    return new PooledBuffer(sizeClass, this.#piece, this.#pieceLeft);
  }

  /** Takes a buffer back. */
  give(buffer: PooledBuffer): void {
    if (this.#freeBytes + buffer.size > this.#maxFreeBytes) return;
    this.#freeBytes += buffer.size;
    this.#free[buffer.sizeClass]!.push(buffer);
  }
}
