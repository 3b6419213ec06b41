import type { Duplex } from "node:stream";
import { type BufferPool, HEADROOM, type PooledBuffer } from "./buffer-pool.ts";

/** Capacity of the slabs that small replies are gathered in, bytes: a batch of 32 reads of 4 KiB fits. */
const SLAB_SIZE = 262_144;
/** Replies up to this length are copied into a slab; longer ones are sent from where they are. */
const COPY_LIMIT = 16_384;

/**
 * Gathers the replies of a batch and sends them with one write. While the socket still works on one write nothing else is
 * handed to it, so that a client that does not read costs what its replies are long and no more.
 */
export class ReplyOutput {
  readonly #stream: Duplex;
  readonly #pool: BufferPool;
  /** Called when everything that was handed to the socket is written. */
  readonly #onWritten: () => void;
  #slab: PooledBuffer | null = null;
  /** Where in the slab the part starts that is not yet a segment, and where it ends. */
  #from = 0;
  #to = 0;
  #segments: Buffer[] = [];
  #buffers: PooledBuffer[] = [];
  #writingBuffers: PooledBuffer[] = [];
  #writing = 0;
  #gathered = 0;

  constructor(stream: Duplex, pool: BufferPool, onWritten: () => void) {
    this.#stream = stream;
    this.#pool = pool;
    this.#onWritten = onWritten;
  }

  /** Bytes of replies that the socket has not yet written. */
  get pending(): number {
    return this.#writing + this.#gathered;
  }

  /**
   * Makes room for `length` bytes (≤ 16 KiB and a header) and returns the slab to write them to; they end at
   * {@link position}.
   */
  reserve(length: number): Buffer {
    if (this.#slab === null || this.#to + length > SLAB_SIZE) this.#nextSlab();
    this.#to += length;
    this.#gathered += length;
    return this.#slab!.bytes;
  }

  /** Where what was reserved last ends in its slab. */
  get position(): number {
    return this.#to;
  }

  /** Sends `buffer.bytes` from `start` to `end`; the buffer is given back to its pool when that is done. */
  send(buffer: PooledBuffer, start: number, end: number): void {
    const length = end - start;
    if (length <= COPY_LIMIT + HEADROOM) {
      const slab = this.reserve(length);
      buffer.bytes.copy(slab, this.#to - length, start, end);
      this.#pool.give(buffer);
      return;
    }
    this.#cut();
    this.#segments.push(buffer.bytes.subarray(start, end));
    this.#buffers.push(buffer);
    this.#gathered += length;
  }

  /** Hands what was gathered to the socket, unless that is still busy: then it follows by itself. */
  flush(): void {
    if (this.#gathered === 0 || this.#writing > 0) return;
    this.#cut();
    if (this.#slab !== null) this.#buffers.push(this.#slab);
    this.#slab = null;
    const segments = this.#segments;
    this.#segments = [];
    this.#writingBuffers = this.#buffers;
    this.#buffers = [];
    this.#writing = this.#gathered;
    this.#gathered = 0;
    this.#write(segments);
  }

  /** Drops what was gathered and not sent. What the socket has, comes back by itself. */
  discard(): void {
    this.#giveAll(this.#buffers);
    this.#buffers = [];
    this.#segments = [];
    if (this.#slab !== null) this.#pool.give(this.#slab);
    this.#slab = null;
    this.#gathered = 0;
  }

  #write(segments: Buffer[]): void {
    const last = segments.length - 1;
    if (last > 0) this.#stream.cork();
    for (let i = 0; i < last; i += 1) this.#stream.write(segments[i]!);
    this.#stream.write(segments[last]!, this.#written);
    if (last > 0) this.#stream.uncork();
  }

  readonly #written = (error?: Error | null): void => {
    // When the socket was destroyed the kernel may still be reading the buffers: the collector knows when it is done.
    if (!error) this.#giveAll(this.#writingBuffers);
    this.#writingBuffers = [];
    this.#writing = 0;
    this.#onWritten();
    this.flush();
  };

  #giveAll(buffers: readonly PooledBuffer[]): void {
    for (const buffer of buffers) this.#pool.give(buffer);
  }

  /** Ends the current segment of the slab. */
  #cut(): void {
    if (this.#slab === null || this.#to === this.#from) return;
    this.#segments.push(this.#slab.bytes.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  #nextSlab(): void {
    this.#cut();
    if (this.#slab !== null) this.#buffers.push(this.#slab);
    this.#slab = this.#pool.take(SLAB_SIZE);
    this.#from = 0;
    this.#to = 0;
  }
}
