import { fail } from "./assertions.ts";

/** What storage must hold, byte by byte. A discarded byte is unknown until it is written again. */
export class ByteModel {
  readonly #bytes: Uint8Array;
  readonly #known: Uint8Array;

  constructor(initial: Uint8Array) {
    this.#bytes = initial.slice();
    this.#known = new Uint8Array(initial.length).fill(1);
  }

  write(offset: number, data: Uint8Array): void {
    this.#bytes.set(data, offset);
    this.#known.fill(1, offset, offset + data.length);
  }

  zero(offset: number, length: number): void {
    this.#bytes.fill(0, offset, offset + length);
    this.#known.fill(1, offset, offset + length);
  }

  forget(offset: number, length: number): void {
    this.#known.fill(0, offset, offset + length);
  }

  /** Fails if bytes that were read at `offset` are not what they must be. */
  compare(offset: number, actual: Uint8Array, what: string): void {
    for (let i = 0; i < actual.length; i += 1) {
      const at = offset + i;
      if (this.#known[at] === 1 && this.#bytes[at] !== actual[i]) {
        fail(`${what}: byte ${at} is ${actual[i]}, not ${this.#bytes[at]}`);
      }
    }
  }

  /** Fails if a range that is said to read as zeroes holds anything else. */
  requireZero(offset: number, length: number, what: string): void {
    for (let at = offset; at < offset + length; at += 1) {
      if (this.#known[at] === 1 && this.#bytes[at] !== 0) fail(`${what}: byte ${at} is ${this.#bytes[at]}, not 0`);
    }
  }
}
