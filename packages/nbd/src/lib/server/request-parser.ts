import { REQUEST_HEADER_LENGTH } from "../protocol/constants.ts";
import { createRequestHeader, readRequestHeader, type RequestHeader } from "../protocol/request.ts";
import type { ReceivedMemory } from "./transport.ts";

const NOTHING: Buffer = Buffer.alloc(0);

/** ArrayBuffer.transfer is of ES2024, and not in Node 20. */
interface Transferable {
  transfer?: (length: number) => unknown;
}

/**
 * Cuts what a connection brings into request headers and payloads, wherever its reads happen to end. Payloads are copied
 * out: Node allocates 64 KiB for every read, and waiting for the collector to find them costs more than the copy (measured
 * with writes of 128 KiB: twice the processor time).
 */
export class RequestParser {
  /** The header that {@link nextHeader} read last. */
  readonly header: RequestHeader = createRequestHeader();
  /** The beginning of a header whose end has not arrived. */
  readonly #partial: Buffer = Buffer.alloc(REQUEST_HEADER_LENGTH);
  #partialLength = 0;
  #chunk: Buffer = NOTHING;
  #at = 0;
  #end = 0;
  readonly #memory: ReceivedMemory;
  /** What lies in the chunk is as it was received, not a copy. */
  #received = false;

  constructor(memory: ReceivedMemory) {
    this.#memory = memory;
  }

  /** Bytes that have arrived and were not taken. */
  get available(): number {
    return this.#end - this.#at;
  }

  /** Adds the first `length` bytes of what was received; they must not change before {@link release}. */
  push(chunk: Buffer, length: number = chunk.length): void {
    // Something can be left only if the connection was paused.
    const left = this.available;
    this.#received = left === 0;
    this.#chunk = left === 0 ? chunk : Buffer.concat([this.#rest(), chunk.subarray(0, length)]);
    this.#at = 0;
    this.#end = left + length;
  }

  /** Lets go of the memory that was pushed: frees it if all was taken and it may be freed, copies the rest if it was lent. */
  release(): void {
    const chunk = this.#chunk;
    if (this.#at < this.#end) {
      if (this.#memory === "lent" && this.#received) this.#keepRest();
      return;
    }
    if (chunk.length === 0) return;
    const owned = this.#memory === "owned" && this.#received;
    this.clear();
    // Never a part of Node's shared slab.
    if (owned && chunk.byteLength === chunk.buffer.byteLength) (chunk.buffer as Transferable).transfer?.(0);
  }

  /** Forgets what has arrived. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#end = 0;
  }

  #rest(): Buffer {
    return this.#chunk.subarray(this.#at, this.#end);
  }

  #keepRest(): void {
    this.#chunk = Buffer.from(this.#rest());
    this.#end -= this.#at;
    this.#at = 0;
    this.#received = false;
  }

  /** Reads the next header: true if {@link header} is filled, false if more has to arrive, null if the magic is wrong. */
  nextHeader(): boolean | null {
    if (this.#partialLength > 0 || this.available < REQUEST_HEADER_LENGTH) return this.#continueHeader();
    const at = this.#at;
    this.#at += REQUEST_HEADER_LENGTH;
    return readRequestHeader(this.#chunk, at, this.header) ? true : null;
  }

  /** Moves up to `end - start` bytes to `target`, and returns how many. */
  copy(target: Buffer, start: number, end: number): number {
    const length = Math.min(end - start, this.available);
    this.#chunk.copy(target, start, this.#at, this.#at + length);
    this.#at += length;
    return length;
  }

  /** Passes over up to `length` bytes, and returns how many. */
  skip(length: number): number {
    const step = Math.min(length, this.available);
    this.#at += step;
    return step;
  }

  #continueHeader(): boolean | null {
    this.#partialLength += this.copy(this.#partial, this.#partialLength, REQUEST_HEADER_LENGTH);
    if (this.#partialLength < REQUEST_HEADER_LENGTH) return false;
    this.#partialLength = 0;
    return readRequestHeader(this.#partial, 0, this.header) ? true : null;
  }
}
