import { readStamp, SECTOR, writeStamps } from "./stamp.ts";

/** What became of a block that was read. `uncertain`: right, but a write to it failed, so it could be old or new. */
export type Finding = "right" | "uncertain" | "wrong";

/** What comparing a run of blocks found. */
export interface Verification {
  readonly blocks: number;
  /** Of those: as written last, or as either of several writes of which some failed. */
  readonly right: number;
  /** Of those that are right: a write failed, so that they could be old or new. */
  readonly uncertain: number;
}

/**
 * What each block of the disk must hold, known from the writes that were answered. Block `b`'s versions count from 1; 0 is
 * a block that was never written. At most one write to a block may be in flight.
 */
export class ExpectedData {
  readonly blockSize: number;
  readonly blocks: number;
  /** The version of the last write that succeeded. */
  readonly #written: Uint32Array;
  /** The version of the last write that was tried. Greater than `#written` after failures, which may have landed. */
  readonly #tried: Uint32Array;

  /** `blockSize` in bytes, a multiple of 512. */
  constructor(blocks: number, blockSize: number) {
    this.blocks = blocks;
    this.blockSize = blockSize;
    this.#written = new Uint32Array(blocks);
    this.#tried = new Uint32Array(blocks);
  }

  /** Fills `bytes` with the next version of a block, which is about to be written. */
  prepareWrite(block: number, bytes: Uint8Array): void {
    const version = (this.#tried[block] ?? 0) + 1;
    this.#tried[block] = version;
    writeStamps(wordsOf(bytes), block, version);
  }

  /** The write that was prepared last has succeeded. Whatever failed before it is overwritten. */
  writeSucceeded(block: number): void {
    this.#written[block] = this.#tried[block] ?? 0;
  }

  /** Compares what was read from block number `first` on. */
  checkAll(bytes: Uint8Array, first: number = 0): Verification {
    let right = 0;
    let uncertain = 0;
    const blocks = bytes.length / this.blockSize;
    for (let at = 0; at < blocks; at += 1) {
      const finding = this.check(first + at, bytes.subarray(at * this.blockSize, (at + 1) * this.blockSize));
      if (finding !== "wrong") right += 1;
      if (finding === "uncertain") uncertain += 1;
    }
    return { blocks, right, uncertain };
  }

  /** Compares what was read of a block, while nobody writes to it. */
  check(block: number, bytes: Uint8Array): Finding {
    const words = wordsOf(bytes);
    const least = this.#written[block] ?? 0;
    const most = this.#tried[block] ?? 0;
    for (let sector = 0; sector < bytes.length / SECTOR; sector += 1) {
      const version = readStamp(words, block, sector);
      if (version === null || version < least || version > most) return "wrong";
    }
    return least === most ? "right" : "uncertain";
  }
}

/** The same bytes in words of 32 bits. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return new Uint32Array(bytes.slice().buffer);
}
