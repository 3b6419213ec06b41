import type { Duplex } from "node:stream";
import { protocolError } from "../protocol/protocol-error.ts";

/** How much may lie here unread before the stream is paused, bytes. */
const HIGH_WATER = 65_536;

/** Reads a stream in pieces of known length: the handshake, where promises do no harm. */
export class ByteReader {
  readonly #stream: Duplex;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", this.#onData);
    stream.on("end", this.#onEnd);
    stream.on("close", this.#onEnd);
  }

  /**
   * The next `length` bytes.
   * @throws BlockError `EPROTO` if the stream ends before.
   */
  async take(length: number): Promise<Buffer> {
    await this.#waitFor(length);
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#keep(all.subarray(length));
    return all.subarray(0, length);
  }

  /** Lets `length` bytes go by without keeping them. */
  async skip(length: number): Promise<void> {
    let left = length;
    while (left > 0) {
      const step = Math.min(left, HIGH_WATER);
      await this.take(step);
      left -= step;
    }
  }

  /** Lets go of the stream, which is paused then, and returns what was read but not taken. */
  detach(): Buffer {
    this.#stream.pause();
    this.#stream.off("data", this.#onData);
    this.#stream.off("end", this.#onEnd);
    this.#stream.off("close", this.#onEnd);
    const rest = Buffer.concat(this.#chunks);
    this.#keep(Buffer.alloc(0));
    return rest;
  }

  async #waitFor(length: number): Promise<void> {
    while (this.#buffered < length) {
      if (this.#ended) throw protocolError("the peer closed the connection in the middle of the handshake");
      this.#stream.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#buffered = rest.length;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered >= HIGH_WATER) this.#stream.pause();
    this.#rouse();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#rouse();
  };

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
