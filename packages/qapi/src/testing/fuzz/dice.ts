import { createRandom, type Random } from "@rehandle/driver-sdk";
import { encodeUtf8 } from "@rehandle/json";

/** Chance that a seed repeats. */
export class Dice {
  readonly random: Random;

  constructor(seed: number) {
    this.random = createRandom(seed);
  }

  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  /** True once in so many times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** So many of them at most, in any order and any number of times. */
  some<T>(values: readonly T[], most: number): T[] {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(values));
  }

  /** The bytes in pieces: whole, single or as it comes. */
  cut(bytes: Uint8Array): Uint8Array[] {
    const size = this.pick([bytes.length, 1, 3, 100, 5000]);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + this.below(Math.max(1, size));
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    // Single bytes of a long text would only take time.
    return pieces.length > 10_000 ? [bytes] : pieces;
  }

  /** A text with some of its bytes changed, as bytes. */
  spoil(text: string): Uint8Array {
    const bytes = encodeUtf8(text);
    for (let count = this.pick([0, 0, 0, 1, 1, 3]); count > 0 && bytes.length > 0; count--) {
      bytes[this.below(bytes.length)] = this.below(256);
    }
    return bytes;
  }
}
