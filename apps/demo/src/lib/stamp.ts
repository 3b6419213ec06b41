/** Bytes that one stamp covers: what storage writes whole or not at all. */
export const SECTOR = 512;

const WORDS = SECTOR / 4;
/** 2^32 divided by the golden ratio: spreads neighbours over all 32 bits. */
const SPREAD = 0x9e3779b1;

/**
 * Fills a block so that every sector of it says which block it belongs to and which version it is, and so that no word of it
 * could be another sector's. `words` is the block in words of 32 bits, a whole number of sectors.
 */
export function writeStamps(words: Uint32Array, block: number, version: number): void {
  for (let at = 0; at < words.length; at += 1) words[at] = stampWord(block, version, at);
}

/**
 * Reads the version back from sector number `sector` of a block; version 0 is storage that was never written.
 * Null if the sector is not whole, or not this one.
 */
export function readStamp(words: Uint32Array, block: number, sector: number): number | null {
  const first = sector * WORDS;
  const version = words[first + 1] ?? 0;
  for (let at = first; at < first + WORDS; at += 1) {
    if (words[at] !== (version === 0 ? 0 : stampWord(block, version, at))) return null;
  }
  return version;
}

/** Word number `at` of a block. The second of each sector is the version itself. */
function stampWord(block: number, version: number, at: number): number {
  if (at % WORDS === 1) return version;
  return (Math.imul(block + 1, SPREAD) ^ Math.imul(version, 0x85ebca6b) ^ Math.imul(at + 1, 0xc2b2ae35)) >>> 0;
}
