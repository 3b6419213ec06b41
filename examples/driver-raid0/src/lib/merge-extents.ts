import type { BlockExtent } from "@rehandle/driver-sdk";
import { stripeAt, type StripeMap } from "./stripe-map.ts";

/**
 * Deals the members' extents out again in the order of the disk, from `offset` on, until `length` bytes are covered or a
 * member's answer is used up. Neighbours with the same status become one, at most `most` of them.
 */
export function mergeExtents(
  map: StripeMap,
  offset: number,
  length: number,
  members: readonly (readonly BlockExtent[])[],
  most: number,
): BlockExtent[] {
  const cursors = members.map((extents) => new ExtentCursor(extents));
  const merged: BlockExtent[] = [];
  for (let position = offset; position < offset + length;) {
    const { member, left } = stripeAt(map, position);
    const found = cursors[member]?.take(Math.min(left, offset + length - position));
    if (found === undefined) break;
    const last = merged.at(-1);
    if (last !== undefined && last.hole === found.hole && last.zero === found.zero) last.length += found.length;
    else if (merged.length === most) break;
    else merged.push(found);
    position += found.length;
  }
  return merged;
}

/** Hands out a list of extents from its beginning, in pieces. */
class ExtentCursor {
  readonly #extents: readonly BlockExtent[];
  #index = 0;
  #used = 0;

  constructor(extents: readonly BlockExtent[]) {
    this.#extents = extents;
  }

  /** Up to `length` bytes of the same status; undefined if nothing is left. */
  take(length: number): BlockExtent | undefined {
    const extent = this.#extents[this.#index];
    if (extent === undefined) return undefined;
    const count = Math.min(length, extent.length - this.#used);
    this.#used += count;
    if (this.#used === extent.length) {
      this.#index += 1;
      this.#used = 0;
    }
    return { length: count, hole: extent.hole, zero: extent.zero };
  }
}
