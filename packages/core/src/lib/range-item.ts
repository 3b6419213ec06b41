import type { GranuleTable, Place } from "./granule-table.ts";

/**
 * Something that occupies a byte range until it is over. Two items conflict if they overlap and at least one of them
 * changes data; the one that came later waits for the earlier.
 */
export class RangeItem {
  start = 0;
  /** First byte behind the range. */
  end = 0;
  mutates = false;
  /** How many earlier conflicting items this one still waits for. Never 0 again for a late comer, which waits for nobody. */
  blockers = 0;
  /** It is over, but keeps its place for those behind it until those before it are over too. */
  ghost = false;
  /** Nobody knows when it will be over: it is held, or late. */
  held = false;
  /** It waits, perhaps through others, for something that is held. */
  behindHeld = false;
  /** Later items that wait for this one; null before the first one that ever did, as there may be thousands that none waits for. */
  waiters: RangeItem[] | null = null;
  /** It came into the index after items that are newer than it, so it never stands for what is older. */
  readonly lateComer: boolean;
  /** When it came into the index, counted from 1. */
  order = 0;
  /** The `order` of the last item that looked at this one. */
  mark = 0;
  /** Where it is entered, and its places there: the first `placesUsed` of a list that it keeps. */
  table: GranuleTable | null = null;
  place: Place | null = null;
  placesUsed = 0;

  constructor(lateComer: boolean) {
    this.lateComer = lateComer;
  }
}

/** Lets `later` wait for `earlier`, with which it conflicts if they overlap. */
export function block(earlier: RangeItem, later: RangeItem): void {
  if (earlier.start >= later.end || later.start >= earlier.end || earlier.mark === later.order) return;
  earlier.mark = later.order;
  (earlier.waiters ??= []).push(later);
  later.blockers += 1;
  if (earlier.held || earlier.behindHeld) later.behindHeld = true;
}
