import { OutputParts } from "@rehandle/linux-sockets";
import { type BufferPool, type PooledBuffer } from "./buffer-pool.ts";
import type { Transport } from "./transport.ts";

/** Capacity of the slabs that small replies are gathered in, bytes: a batch of 32 reads of 4 KiB fits. */
const SLAB_SIZE = 262_144;

/**
 * Gathers the replies of a batch and sends them with one write. While one write is under way nothing else is handed to the
 * transport, so that a client that does not read costs what its replies are long and no more.
 */
export class ReplyOutput {
  readonly #transport: Transport;
  readonly #pool: BufferPool;
  #slab: PooledBuffer | null = null;
  /** Where in the slab the part starts that is not yet a run of the parts, and where it ends. */
  #from = 0;
  #to = 0;
  #parts: OutputParts = new OutputParts();
  #buffers: PooledBuffer[] = [];
  /** What the transport has; the slabs and buffers of it. */
  #writingParts: OutputParts = new OutputParts();
  #writingBuffers: PooledBuffer[] = [];
  #writing = 0;
  #gathered = 0;

  constructor(transport: Transport, pool: BufferPool) {
    this.#transport = transport;
    this.#pool = pool;
  }

  /** Bytes of replies that are not yet sent. */
  get pending(): number {
    return this.#writing + this.#gathered;
  }

  /**
   * Makes room for `length` bytes (at most what the transport wants copied, and a header) and returns the slab to write them
   * to; they end at {@link position}.
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
    if (length <= this.#transport.copyUpTo) {
      const slab = this.reserve(length);
      buffer.bytes.copy(slab, this.#to - length, start, end);
      this.#pool.give(buffer);
      return;
    }
    this.#cut();
    this.#parts.add(buffer.bytes, start, end);
    this.#buffers.push(buffer);
    this.#gathered += length;
    if (this.#gathered >= this.#transport.sendFrom) this.flush();
  }

  /** Hands what was gathered to the transport, unless that is still busy: then it follows by itself. */
  flush(): void {
    if (this.#gathered === 0 || this.#writing > 0) return;
    this.#cut();
    if (this.#slab !== null) this.#buffers.push(this.#slab);
    this.#slab = null;
    const parts = this.#parts;
    this.#parts = this.#writingParts;
    this.#writingParts = parts;
    const buffers = this.#buffers;
    this.#buffers = this.#writingBuffers;
    this.#writingBuffers = buffers;
    this.#writing = this.#gathered;
    this.#gathered = 0;
    if (this.#transport.write(parts)) this.#sent();
  }

  /** All of a write that did not go out at once is sent. */
  drained(): void {
    this.#sent();
  }

  /** Drops what was gathered and not sent. What the transport has, is left to the collector. */
  discard(): void {
    this.#giveAll(this.#buffers);
    this.#parts.clear();
    if (this.#slab !== null) this.#pool.give(this.#slab);
    this.#slab = null;
    this.#gathered = 0;
  }

  #sent(): void {
    this.#giveAll(this.#writingBuffers);
    this.#writingParts.clear();
    this.#writing = 0;
  }

  #giveAll(buffers: PooledBuffer[]): void {
    for (const buffer of buffers) this.#pool.give(buffer);
    buffers.length = 0;
  }

  /** Ends the current run of the slab. */
  #cut(): void {
    if (this.#slab === null || this.#to === this.#from) return;
    this.#parts.add(this.#slab.bytes, this.#from, this.#to);
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
