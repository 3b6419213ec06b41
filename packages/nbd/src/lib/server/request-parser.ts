import { REQUEST_HEADER_LENGTH } from "../protocol/constants.ts";
import { createRequestHeader, readRequestHeader, type RequestHeader } from "../protocol/request.ts";

const NOTHING: Buffer = Buffer.alloc(0);

/** Cuts what a socket brings into request headers and payloads, wherever its reads happen to end. */
export class RequestParser {
  /** The header that {@link nextHeader} read last. */
  readonly header: RequestHeader = createRequestHeader();
  /** The beginning of a header whose end has not arrived. */
  readonly #partial: Buffer = Buffer.alloc(REQUEST_HEADER_LENGTH);
  #partialLength = 0;
  #chunk: Buffer = NOTHING;
  #at = 0;

  /** Bytes that have arrived and were not taken. */
  get available(): number {
    return this.#chunk.length - this.#at;
  }

  /** Adds what the socket brought; it is not copied, and must not change later. */
  push(chunk: Buffer): void {
    // Something can be left only if the socket was paused and brought more nevertheless.
    this.#chunk = this.available === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** Forgets what has arrived. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
  }

  /** Reads the next header: true if {@link header} is filled, false if more has to arrive, null if the magic is wrong. */
  nextHeader(): boolean | null {
    if (this.#partialLength > 0 || this.available < REQUEST_HEADER_LENGTH) return this.#continueHeader();
    const at = this.#at;
    this.#at += REQUEST_HEADER_LENGTH;
    return readRequestHeader(this.#chunk, at, this.header) ? true : null;
  }

  /** The next `length` bytes where they lie, or null if not all of them have arrived. */
  view(length: number): Uint8Array | null {
    if (this.available < length) return null;
    const view = new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + this.#at, length);
    this.#at += length;
    return view;
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
