import type { BlockExtent } from "@rehandle/driver-sdk";
import { allocationFlags } from "../protocol/chunk.ts";
import { writeUint32 } from "../protocol/integers.ts";

/**
 * Writes a driver's extents as descriptors of `base:allocation`, 8 bytes each, in the form that every client takes:
 * neighbours of one kind become one, none is empty, and none reaches beyond the request.
 * @param length of the request, bytes, < 2³².
 * @param most how many descriptors may be written.
 * @returns how many were written.
 */
export function writeExtents(
  target: Uint8Array,
  at: number,
  extents: readonly BlockExtent[],
  length: number,
  most: number,
): number {
  let count = 0;
  let covered = 0;
  let runLength = 0;
  let runFlags = -1;
  for (const extent of extents) {
    const take = Math.min(extent.length, length - covered);
    // Also ends at a defective extent (NaN, negative): a client may be told less, but nothing wrong.
    if (!(take > 0)) break;
    const flags = allocationFlags(extent);
    if (flags !== runFlags) {
      if (count === most) break;
      count += 1;
      runFlags = flags;
      runLength = 0;
    }
    runLength += take;
    covered += take;
    writeUint32(target, at + (count - 1) * 8, runLength);
    writeUint32(target, at + (count - 1) * 8 + 4, flags);
  }
  return count;
}
