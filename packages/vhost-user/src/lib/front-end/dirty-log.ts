import { LOG_PAGE } from "../message-numbers.ts";

/** Bytes of a log for guest memory up to address `end`. */
export function dirtyLogLength(end: number): number {
  return Math.ceil(end / LOG_PAGE / 8);
}

/** The pages that a back end wrote to, as it notes them in shared memory while the log is on (VHOST_F_LOG_ALL). */
export class DirtyLog {
  readonly #bits: Uint8Array;

  /** @param bits The shared memory; bit n % 8 of byte n / 8 is page n. */
  constructor(bits: Uint8Array) {
    this.#bits = bits;
  }

  /** True if the page of this guest address was written to since it was last taken. */
  isDirty(guestAddress: number): boolean {
    const page = Math.floor(guestAddress / LOG_PAGE);
    const byte = Math.floor(page / 8);
    return byte < this.#bits.length && (Atomics.load(this.#bits, byte) & (1 << (page % 8))) !== 0;
  }

  /** Guest addresses of the pages that were written to since the last call, in order, and makes them clean. */
  takeDirtyPages(): number[] {
    const pages: number[] = [];
    for (let byte = 0; byte < this.#bits.length; byte += 1) {
      if (this.#bits[byte] === 0) continue;
      const bits = Atomics.exchange(this.#bits, byte, 0);
      for (let bit = 0; bit < 8; bit += 1) {
        if ((bits & (1 << bit)) !== 0) pages.push((byte * 8 + bit) * LOG_PAGE);
      }
    }
    return pages;
  }
}
