import type { GranuleTable, Place } from "./granule-table.ts";

/** Bits of a {@link RangeItem}. A field for each would take eight bytes of every request that is held. */
const MUTATES = 1;
const GHOST = 2;
const HELD = 4;
const BEHIND_HELD = 8;
const LATE_COMER = 16;
/** The first bit that is left for those who extend it. */
export const NEXT_FLAG = 32;

/**
 * Something that occupies a byte range until it is over. Two items conflict if they overlap and at least one of them
 * changes data; the one that came later waits for the earlier.
 */
export class RangeItem {
  start = 0;
  /** First byte behind the range. */
  end = 0;
  /** How many earlier conflicting items this one still waits for. Never 0 again for a late comer, which waits for nobody. */
  blockers = 0;
  /** Later items that wait for this one; null before the first one that ever did, as there may be thousands that none waits for. */
  waiters: RangeItem[] | null = null;
  /** When it came into the index, counted from 1. */
  order = 0;
  /** The `order` of the last item that looked at this one. */
  mark = 0;
  /** Where it is entered, and its places there: the first `placesUsed` of a list that it keeps. */
  table: GranuleTable | null = null;
  place: Place | null = null;
  placesUsed = 0;

  #flags: number;

  constructor(lateComer: boolean) {
    this.#flags = lateComer ? LATE_COMER : 0;
  }

  /** It came into the index after items that are newer than it, so it never stands for what is older. */
  get lateComer(): boolean {
    return this.has(LATE_COMER);
  }

  /** It changes data. */
  get mutates(): boolean {
    return this.has(MUTATES);
  }

  set mutates(value: boolean) {
    this.put(MUTATES, value);
  }

  /** It is over, but keeps its place for those behind it until those before it are over too. */
  get ghost(): boolean {
    return this.has(GHOST);
  }

  set ghost(value: boolean) {
    this.put(GHOST, value);
  }

  /** Nobody knows when it will be over: it is held, or late. */
  get held(): boolean {
    return this.has(HELD);
  }

  set held(value: boolean) {
    this.put(HELD, value);
  }

  /** It waits, perhaps through others, for something that is held. */
  get behindHeld(): boolean {
    return this.has(BEHIND_HELD);
  }

  set behindHeld(value: boolean) {
    this.put(BEHIND_HELD, value);
  }

  /** One of its bits; {@link NEXT_FLAG} and above are for those who extend it. */
  protected has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  protected put(flag: number, value: boolean): void {
    if (value) this.#flags |= flag;
    else this.#flags &= ~flag;
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
