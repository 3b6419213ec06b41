import type { AddressOf } from "./memory-address.ts";

type Koffi = typeof import("koffi");

/** Parts of a request beyond which it is not tried on the event loop. */
export const MOST_PARTS = 64;
const TWO_TO_32 = 0x1_0000_0000;

/** Room for the `struct iovec` of one call at a time. */
export class IoVectors {
  /** Where the first one is. */
  readonly address: number;
  readonly #addressOf: AddressOf;
  /** 32-bit views save a BigInt per number; x86-64 and arm64 are little-endian. */
  readonly #words: Uint32Array = new Uint32Array(4 * MOST_PARTS);

  constructor(koffi: Koffi, addressOf: AddressOf) {
    this.address = Number(koffi.address(this.#words));
    this.#addressOf = addressOf;
  }

  /** Describes `parts`, of which there are at most {@link MOST_PARTS}. */
  set(parts: readonly Uint8Array[]): void {
    const words = this.#words;
    for (let index = 0, word = 0; index < parts.length; index += 1, word += 4) {
      const part = parts[index]!;
      const address = part.length === 0 ? 0 : this.#addressOf(part);
      words[word] = address % TWO_TO_32;
      words[word + 1] = address / TWO_TO_32;
      words[word + 2] = part.length;
    }
  }
}
