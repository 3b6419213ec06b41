import { BlockError, type BlockExtent } from "@rehandle/driver-sdk";

/** Options of {@link createMemoryStorage}. */
export interface MemoryStorageOptions {
  /** Bytes; a safe integer ≥ 0. */
  size: number;
  /** What is allocated and dropped at a time: a power of two, 512 … 16777216 bytes. Default 65536. */
  chunkSize?: number;
  /**
   * The most that may be allocated at a time, bytes; a write that needs more fails with `ENOSPC` and changes nothing.
   * Counted in whole chunks. Default: no limit but the size.
   */
  allocationLimit?: number;
}

/**
 * Sparse bytes in memory, apart from any driver: several drivers, or one that is opened again, see the same data.
 * Ranges must lie within the size; the driver checks that.
 */
export interface MemoryStorage {
  /** Bytes. */
  readonly size: number;
  /** Bytes of memory that chunks take now; never more than the size. */
  readonly allocated: number;
  /** Fills the parts of an iov with the bytes from `offset` on. */
  read(offset: number, iov: readonly Uint8Array[]): void;
  /**
   * Writes the parts of an iov from `offset` on; all of it or nothing.
   * @throws BlockError `ENOSPC` over the allocation limit.
   */
  write(offset: number, iov: readonly Uint8Array[]): void;
  /** Makes a range read as zeroes; `unmap` gives the memory of whole chunks back. */
  zero(offset: number, length: number, unmap: boolean): void;
  /**
   * Appends the extents from `offset` on to `extents`; at least one, at most `most` of them, up to `length` bytes, perhaps
   * fewer.
   */
  status(offset: number, length: number, extents: BlockExtent[], most?: number): void;
  /** Changes the size, bytes. What is cut off is gone; what is added reads as zeroes. */
  resize(size: number): void;
  /** Calls `listener` after every change of the size, until the function that is returned is called. */
  onResize(listener: (size: number) => void): () => void;
}

/** One answer of `status` looks at no more chunks than this, so that asking about a huge hole stays cheap. */
const STATUS_CHUNKS = 65536;

/** A {@link MemoryStorage} that reads as zeroes. Throws `RangeError` for an option that is out of range. */
export function createMemoryStorage(options: MemoryStorageOptions): MemoryStorage {
  return new SparseStorage(options);
}

class SparseStorage implements MemoryStorage {
  readonly #chunkSize: number;
  readonly #limit: number;
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #listeners = new Set<(size: number) => void>();
  #size: number;
  #allocated = 0;

  constructor(options: MemoryStorageOptions) {
    const { size, chunkSize = 65536, allocationLimit = Infinity } = options;
    requireSize(size);
    if (!Number.isInteger(Math.log2(chunkSize)) || chunkSize < 512 || chunkSize > 1 << 24) {
      throw new RangeError(`chunkSize must be a power of two from 512 to ${1 << 24}, not ${chunkSize}`);
    }
    if (!(allocationLimit >= 0)) throw new RangeError(`allocationLimit must be >= 0, not ${allocationLimit}`);
    this.#size = size;
    this.#chunkSize = chunkSize;
    this.#limit = allocationLimit;
  }

  get size(): number {
    return this.#size;
  }

  get allocated(): number {
    return this.#allocated;
  }

  read(offset: number, iov: readonly Uint8Array[]): void {
    const chunkSize = this.#chunkSize;
    let index = Math.floor(offset / chunkSize);
    let at = offset - index * chunkSize;
    let chunk = this.#chunks.get(index);
    for (const part of iov) {
      for (let done = 0; done < part.length;) {
        const count = Math.min(part.length - done, chunkSize - at);
        if (chunk === undefined) part.fill(0, done, done + count);
        else part.set(at === 0 && count === chunk.length ? chunk : chunk.subarray(at, at + count), done);
        done += count;
        at += count;
        if (at === chunkSize) {
          at = 0;
          chunk = this.#chunks.get(++index);
        }
      }
    }
  }

  write(offset: number, iov: readonly Uint8Array[]): void {
    const chunkSize = this.#chunkSize;
    if (this.#limit !== Infinity) this.#reserve(offset, iov);
    let index = Math.floor(offset / chunkSize);
    let at = offset - index * chunkSize;
    for (const part of iov) {
      for (let done = 0; done < part.length;) {
        const count = Math.min(part.length - done, chunkSize - at);
        const chunk = this.#chunks.get(index) ?? this.#allocate(index);
        chunk.set(done === 0 && count === part.length ? part : part.subarray(done, done + count), at);
        done += count;
        at += count;
        if (at === chunkSize) {
          at = 0;
          index += 1;
        }
      }
    }
  }

  zero(offset: number, length: number, unmap: boolean): void {
    const chunkSize = this.#chunkSize;
    const end = offset + length;
    const first = Math.floor(offset / chunkSize);
    const last = Math.ceil(end / chunkSize);
    // Whichever is shorter: the chunks of the range or the chunks that exist.
    const indexes = last - first > this.#chunks.size ? [...this.#chunks.keys()] : range(first, last);
    for (const index of indexes) {
      const chunk = this.#chunks.get(index);
      const from = offset - index * chunkSize;
      const to = end - index * chunkSize;
      if (chunk === undefined || to <= 0 || from >= chunk.length) continue;
      if (unmap && from <= 0 && to >= chunk.length) this.#drop(index, chunk);
      else chunk.fill(0, Math.max(0, from), Math.min(to, chunk.length));
    }
  }

  status(offset: number, length: number, extents: BlockExtent[], most: number = Infinity): void {
    const chunkSize = this.#chunkSize;
    const first = Math.floor(offset / chunkSize);
    const last = Math.min(Math.ceil((offset + length) / chunkSize), first + STATUS_CHUNKS);
    const end = Math.min(offset + length, last * chunkSize);
    let from = offset;
    let index = first;
    for (let count = 0; from < end && count < most; count += 1) {
      const hole = !this.#chunks.has(index);
      do index += 1;
      while (index < last && this.#chunks.has(index) !== hole);
      const to = Math.min(index * chunkSize, end);
      extents.push({ length: to - from, hole, zero: hole });
      from = to;
    }
  }

  resize(size: number): void {
    requireSize(size);
    if (size === this.#size) return;
    const least = Math.min(size, this.#size);
    const boundary = Math.floor(least / this.#chunkSize);
    for (const [index, chunk] of this.#chunks) if (index > boundary) this.#drop(index, chunk);
    const chunk = this.#chunks.get(boundary);
    this.#size = size;
    if (chunk !== undefined) {
      this.#drop(boundary, chunk);
      const kept = chunk.subarray(0, least - boundary * this.#chunkSize);
      if (kept.length > 0) this.#allocate(boundary).set(kept);
    }
    for (const listener of this.#listeners) listener(size);
  }

  onResize(listener: (size: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The last chunk is as short as the storage. */
  #chunkLength(index: number): number {
    return Math.min(this.#chunkSize, this.#size - index * this.#chunkSize);
  }

  #allocate(index: number): Uint8Array {
    const chunk = new Uint8Array(this.#chunkLength(index));
    this.#chunks.set(index, chunk);
    this.#allocated += chunk.length;
    return chunk;
  }

  #drop(index: number, chunk: Uint8Array): void {
    this.#chunks.delete(index);
    this.#allocated -= chunk.length;
  }

  /** Throws if a write needs more chunks than the limit allows. */
  #reserve(offset: number, iov: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of iov) length += part.length;
    let needed = this.#allocated;
    const first = Math.floor(offset / this.#chunkSize);
    for (let index = first; index < Math.ceil((offset + length) / this.#chunkSize); index += 1) {
      if (!this.#chunks.has(index)) needed += this.#chunkLength(index);
    }
    if (needed <= this.#limit) return;
    const message = `write of ${length} bytes at ${offset} needs more than ${this.#limit} bytes`;
    throw new BlockError(message, { code: "ENOSPC", operation: "write", offset, length });
  }
}

function* range(from: number, to: number): Generator<number> {
  for (let index = from; index < to; index += 1) yield index;
}

function requireSize(size: number): void {
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw new RangeError(`size must be a safe integer >= 0, not ${size}`);
}
