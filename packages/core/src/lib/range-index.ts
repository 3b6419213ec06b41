import { GranuleTable } from "./granule-table.ts";
import type { RangeItem } from "./range-item.ts";

/** Bytes of a granule of the first table. */
const GRANULE = 64 * 1024;
/** How many granules an item is long at most; a longer one goes to a later table. Each one's are as many times larger. */
const MOST_GRANULES = 16;

/**
 * Says for a new item which earlier ones it has to wait for, in time that depends on its neighbours only: not on all of them,
 * but on those that no later write covers.
 */
export class RangeIndex {
  #count = 0;
  #order = 0;
  /** By the length of the items in them. */
  readonly #tables: GranuleTable[] = [new GranuleTable(GRANULE)];
  readonly #onUnblocked: (item: RangeItem) => void;
  readonly #onGone: (item: RangeItem) => void;

  /**
   * @param onUnblocked called for an item when the last one that it waited for was removed.
   * @param onGone called for an item that `remove` had to leave in place, when it is really gone.
   */
  constructor(onUnblocked: (item: RangeItem) => void, onGone: (item: RangeItem) => void) {
    this.#onUnblocked = onUnblocked;
    this.#onGone = onGone;
  }

  /** Items in the index that are not empty. */
  get size(): number {
    return this.#count;
  }

  /** Puts the item in and counts its blockers. */
  add(item: RangeItem): void {
    item.blockers = 0;
    item.behindHeld = false;
    item.held = false;
    if (item.end <= item.start) return;
    item.order = ++this.#order;
    this.#count += 1;
    const tables = this.#tables;
    const own = item.end - item.start <= GRANULE * MOST_GRANULES ? tables[0]! : this.#tableFor(item);
    // Most of the time there is the first table only.
    for (let at = 0; at < tables.length; at += 1) {
      const table = tables[at]!;
      if (table !== own && table.count > 0) table.meet(item);
    }
    own.enter(item);
  }

  /**
   * Takes the item out; whoever waited for it alone is unblocked. An item that still waits for others itself stays as a
   * ghost: those behind it may count on it to stand for what is before it. False then.
   */
  remove(item: RangeItem): boolean {
    if (item.blockers > 0) {
      item.ghost = true;
      return false;
    }
    if (item.table !== null) this.#takeOut(item, item.table);
    if (item.waiters !== null && item.waiters.length > 0) this.#unblock(item.waiters);
    return true;
  }

  /**
   * Puts in a late comer: a fence around an attempt that was given up and may still land. Every conflicting item that is
   * already here waits for it too, but for those that `isExempt` names.
   */
  addFence(fence: RangeItem, isExempt: (item: RangeItem) => boolean): void {
    const held: RangeItem[] = [];
    const mark = ++this.#order;
    const visit = (item: RangeItem): void => {
      const overlaps = item.start < fence.end && fence.start < item.end;
      if (!overlaps || item.mark === mark) return;
      item.mark = mark;
      if ((item.mutates || fence.mutates) && !item.lateComer && !isExempt(item)) held.push(item);
    };
    for (const table of this.#tables) if (table.count > 0) table.eachNear(fence.start, fence.end, visit);
    this.add(fence);
    // It is with the storage already, so it waits for nobody itself; whoever counted it as a waiter only makes it negative.
    fence.blockers = 0;
    for (const item of held) {
      item.blockers += 1;
      (fence.waiters ??= []).push(item);
    }
  }

  #tableFor(item: RangeItem): GranuleTable {
    let granule = GRANULE;
    for (let at = 0; ; at += 1) {
      const table = (this.#tables[at] ??= new GranuleTable(granule));
      if (item.end - item.start <= granule * MOST_GRANULES) return table;
      granule *= MOST_GRANULES;
    }
  }

  /** Empties an item's list of waiters and frees them, and the ghosts among them, without recursion: chains can be long. */
  #unblock(waiters: RangeItem[]): void {
    const freed = waiters.splice(0);
    for (let at = 0; at < freed.length; at += 1) {
      const waiter = freed[at]!;
      waiter.blockers -= 1;
      if (waiter.blockers !== 0) continue;
      if (!waiter.ghost) {
        // It may come to its end at once, and bring new waiters of its own.
        this.#onUnblocked(waiter);
        continue;
      }
      waiter.ghost = false;
      if (waiter.table !== null) this.#takeOut(waiter, waiter.table);
      if (waiter.waiters !== null) for (const next of waiter.waiters.splice(0)) freed.push(next);
      this.#onGone(waiter);
    }
  }

  #takeOut(item: RangeItem, table: GranuleTable): void {
    this.#count -= 1;
    table.leave(item);
  }
}
