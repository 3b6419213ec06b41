import { block, type RangeItem } from "./range-item.ts";

/** Buckets of a table with little in it. */
const FEWEST_BUCKETS = 256;
/** Places for each bucket before there are twice as many. */
const MOST_PER_BUCKET = 4;

/** The lists of a bucket, newest first. */
const WRITES = 0;
const READS = 1;
/** Those that a later write covers in this granule: whoever comes waits for that write, and so for them too. */
const COVERED = 2;
/** Heads of lists for each bucket, as a power of two; the last is not used. */
const LISTS = 2;

/** An item in one granule. */
export interface Place {
  readonly item: RangeItem;
  granule: number;
  list: number;
  prev: Place | null;
  next: Place | null;
  /** The item's next place. */
  sibling: Place | null;
}

/**
 * Items by the granules that they touch, all of one size. A write takes whatever it covers out of the way of those that come
 * later. So in each granule only what can still be seen is looked at, however many have piled up there.
 */
export class GranuleTable {
  /** Places taken. */
  count = 0;
  readonly #granule: number;
  #heads: (Place | null)[] = emptyHeads(FEWEST_BUCKETS);
  #mask = FEWEST_BUCKETS - 1;

  /** @param granule bytes, a power of two. */
  constructor(granule: number) {
    this.#granule = granule;
  }

  /** Puts the item in and lets it wait for what it conflicts with here. */
  enter(item: RangeItem): void {
    const first = Math.floor(item.start / this.#granule);
    const last = Math.floor((item.end - 1) / this.#granule);
    let before: Place | null = null;
    for (let granule = first; granule <= last; granule += 1) {
      if (this.count > 0) this.#look(granule, item);
      const place: Place = (before === null ? item.place : before.sibling) ?? newPlace(item, before);
      place.granule = granule;
      this.#push(place, item.mutates ? WRITES : READS);
      before = place;
      item.placesUsed += 1;
    }
    item.table = this;
    this.count += item.placesUsed;
    if (this.count > MOST_PER_BUCKET * (this.#mask + 1)) this.#grow();
  }

  /** Lets an item that is entered elsewhere wait for what it conflicts with here. */
  meet(item: RangeItem): void {
    const first = Math.floor(item.start / this.#granule);
    const last = Math.floor((item.end - 1) / this.#granule);
    if (last - first > this.#mask) this.#lookEverywhere(item);
    else for (let granule = first; granule <= last; granule += 1) this.#look(granule, item);
  }

  /** Takes the item out. */
  leave(item: RangeItem): void {
    let { place } = item;
    this.count -= item.placesUsed;
    for (; item.placesUsed > 0; item.placesUsed -= 1) {
      this.#unlink(place!);
      place = place!.sibling;
    }
    item.table = null;
    // What comes after a crowd need not walk through its empty buckets.
    if (this.count === 0 && this.#mask >= FEWEST_BUCKETS) {
      this.#heads = emptyHeads(FEWEST_BUCKETS);
      this.#mask = FEWEST_BUCKETS - 1;
    }
  }

  /** Visits whatever may overlap the range, covered or not, some of it more than once. */
  eachNear(start: number, end: number, visit: (item: RangeItem) => void): void {
    const first = Math.floor(start / this.#granule);
    const last = Math.min(Math.floor((end - 1) / this.#granule), first + this.#mask);
    for (let granule = first; granule <= last; granule += 1) {
      const at = (granule & this.#mask) << LISTS;
      for (let list = WRITES; list <= COVERED; list += 1) {
        for (let place: Place | null = this.#heads[at + list]!; place !== null; place = place.next) visit(place.item);
      }
    }
  }

  #look(granule: number, item: RangeItem): void {
    const at = (granule & this.#mask) << LISTS;
    let order = 0;
    if (this.#heads[at] !== null) order = this.#lookAtWrites(at, granule, item);
    if (item.mutates && this.#heads[at + READS] !== null) this.#lookAtReads(at, granule, item, order);
  }

  /** Returns the order of the write that covers the item here; 0 if none does. */
  #lookAtWrites(at: number, granule: number, item: RangeItem): number {
    const start = Math.max(item.start, granule * this.#granule);
    const end = Math.min(item.end, (granule + 1) * this.#granule);
    for (let place: Place | null = this.#heads[at]!; place !== null;) {
      const { item: other, next }: Place = place;
      if (place.granule === granule) {
        this.#pass(place, item);
        // Whatever is older and overlaps the item here also overlaps this one, which therefore waits for it already.
        if (!other.lateComer && other.start <= start && other.end >= end) return other.order;
      }
      place = next;
    }
    return 0;
  }

  /** Those that are older than the write of order `since` have that write waiting for them. */
  #lookAtReads(at: number, granule: number, item: RangeItem, since: number): void {
    for (let place: Place | null = this.#heads[at + READS]!; place !== null && place.item.order > since;) {
      const { next }: Place = place;
      if (place.granule === granule) this.#pass(place, item);
      place = next;
    }
  }

  #lookEverywhere(item: RangeItem): void {
    for (let at = 0; at < this.#heads.length; at += 1) {
      const list = at & ((1 << LISTS) - 1);
      if (list === COVERED || (list === READS && !item.mutates)) continue;
      for (let place: Place | null = this.#heads[at]!; place !== null;) {
        const { next }: Place = place;
        this.#pass(place, item);
        place = next;
      }
    }
  }

  /** The item waits for the one at this place, if it has to, and may cover it. */
  #pass(place: Place, item: RangeItem): void {
    const { item: other, granule } = place;
    block(other, item);
    if (!item.mutates || item.lateComer) return;
    const start = Math.max(other.start, granule * this.#granule);
    const end = Math.min(other.end, (granule + 1) * this.#granule);
    if (item.start > start || item.end < end) return;
    this.#unlink(place);
    this.#push(place, COVERED);
  }

  #push(place: Place, list: number): void {
    const at = ((place.granule & this.#mask) << LISTS) + list;
    const head = this.#heads[at]!;
    place.list = list;
    place.prev = null;
    place.next = head;
    if (head !== null) head.prev = place;
    this.#heads[at] = place;
  }

  #unlink(place: Place): void {
    const { prev, next } = place;
    if (prev === null) this.#heads[((place.granule & this.#mask) << LISTS) + place.list] = next;
    else prev.next = next;
    if (next !== null) next.prev = prev;
    place.prev = null;
    place.next = null;
  }

  /** Twice the buckets. Lists are walked from their old end, so that newest stays first. */
  #grow(): void {
    const old = this.#heads;
    this.#mask = (this.#mask + 1) * 2 - 1;
    this.#heads = emptyHeads(this.#mask + 1);
    for (const head of old) {
      let place = head;
      while (place?.next) place = place.next;
      while (place) {
        const { prev } = place;
        this.#push(place, place.list);
        place = prev;
      }
    }
  }
}

function newPlace(item: RangeItem, before: Place | null): Place {
  const place: Place = { item, granule: 0, list: WRITES, prev: null, next: null, sibling: null };
  if (before === null) item.place = place;
  else before.sibling = place;
  return place;
}

function emptyHeads(buckets: number): (Place | null)[] {
  // `Array.from` takes eight times as long, and a table that grows for thousands of requests feels it.
  const heads: (Place | null)[] = [];
  heads.length = buckets << LISTS;
  return heads.fill(null);
}
