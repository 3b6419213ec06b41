/** Buckets of an index with little in it. */
const FEWEST_BUCKETS = 256;
/** Bytes that one bucket's granule covers. */
const GRANULE = 64 * 1024;
/** An item over more granules than this is kept in the list of wide ones instead. */
const MOST_GRANULES = 16;

/** A place of an item in one bucket's list. */
interface Node {
  readonly item: RangeItem;
  granule: number;
  prev: Node | null;
  next: Node | null;
}

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
  /** Later items that wait for this one. */
  readonly waiters: RangeItem[] = [];
  /** It came into the index after items that are newer than it, so it never stands for what is older. */
  readonly lateComer: boolean;
  readonly nodes: Node[] = [];
  nodesUsed = 0;
  wide = false;
  indexed = false;
  mark = 0;

  constructor(lateComer: boolean) {
    this.lateComer = lateComer;
  }
}

/** Says for a new item which earlier ones it has to wait for, in time that depends on its neighbours only. */
export class RangeIndex {
  #buckets: (Node | null)[] = emptyBuckets(FEWEST_BUCKETS);
  #mask = FEWEST_BUCKETS - 1;
  #count = 0;
  #scan = 0;
  readonly #wide = new Set<RangeItem>();
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
    const first = Math.floor(item.start / GRANULE);
    const last = Math.floor((item.end - 1) / GRANULE);
    item.wide = last - first >= MOST_GRANULES;
    this.#scan += 1;
    if (item.wide) {
      this.#each((other) => this.#block(other, item));
      this.#wide.add(item);
    } else {
      if (this.#wide.size > 0) for (const other of this.#wide) this.#block(other, item);
      for (let granule = first; granule <= last; granule += 1) {
        this.#scanBucket(granule, item);
      }
      for (let granule = first; granule <= last; granule += 1) this.#link(item, granule);
    }
    item.indexed = true;
    this.#count += 1;
    if (this.#count > 2 * this.#buckets.length) this.#grow();
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
    if (item.indexed) this.#takeOut(item);
    if (item.waiters.length > 0) this.#unblock(item);
    return true;
  }

  /**
   * Puts in a late comer: a fence around an attempt that was given up and may still land. Every conflicting item that is
   * already here waits for it too, but for those that `isExempt` names.
   */
  addFence(fence: RangeItem, isExempt: (item: RangeItem) => boolean): void {
    const held: RangeItem[] = [];
    this.#scan += 1;
    this.#eachNear(fence, (item) => {
      const overlaps = item.start < fence.end && fence.start < item.end;
      if (!overlaps || item.mark === this.#scan) return;
      item.mark = this.#scan;
      if ((item.mutates || fence.mutates) && !item.lateComer && !isExempt(item)) held.push(item);
    });
    this.add(fence);
    // It is with the storage already, so it waits for nobody itself; whoever counted it as a waiter only makes it negative.
    fence.blockers = 0;
    for (const item of held) {
      item.blockers += 1;
      fence.waiters.push(item);
    }
  }

  /** Visits whatever may overlap the item, some of it more than once. */
  #eachNear(near: RangeItem, visit: (item: RangeItem) => void): void {
    const first = Math.floor(near.start / GRANULE);
    const last = Math.floor((near.end - 1) / GRANULE);
    if (last - first >= MOST_GRANULES) {
      this.#each(visit);
      return;
    }
    for (const item of this.#wide) visit(item);
    for (let granule = first; granule <= last; granule += 1) {
      for (let node = this.#buckets[granule & this.#mask] ?? null; node !== null; node = node.next) visit(node.item);
    }
  }

  /** Visits everything, some of it more than once. */
  #each(visit: (item: RangeItem) => void): void {
    for (const item of this.#wide) visit(item);
    for (const head of this.#buckets) for (let node = head; node !== null; node = node.next) visit(node.item);
  }

  /** Frees those that waited for the item, and the ghosts among them, without recursion: chains can be long. */
  #unblock(item: RangeItem): void {
    const freed = item.waiters.splice(0);
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
      this.#takeOut(waiter);
      freed.push(...waiter.waiters.splice(0));
      this.#onGone(waiter);
    }
  }

  #takeOut(item: RangeItem): void {
    item.indexed = false;
    this.#count -= 1;
    if (item.wide) this.#wide.delete(item);
    for (let at = 0; at < item.nodesUsed; at += 1) this.#unlink(item.nodes[at]!);
    item.nodesUsed = 0;
    // What comes after a crowd need not walk through its empty buckets.
    if (this.#count === 0 && this.#mask >= FEWEST_BUCKETS) {
      this.#buckets = emptyBuckets(FEWEST_BUCKETS);
      this.#mask = FEWEST_BUCKETS - 1;
    }
  }

  #scanBucket(granule: number, item: RangeItem): void {
    for (let node = this.#buckets[granule & this.#mask] ?? null; node !== null; node = node.next) {
      if (node.granule !== granule) continue;
      const other = node.item;
      this.#block(other, item);
      // Whatever is older and overlaps `item` also overlaps `other`, which therefore waits for it already.
      if (other.mutates && !other.lateComer && other.start <= item.start && other.end >= item.end) return;
    }
  }

  #block(earlier: RangeItem, later: RangeItem): void {
    if (earlier.start >= later.end || later.start >= earlier.end) return;
    if (!earlier.mutates && !later.mutates) return;
    if (earlier.mark === this.#scan) return;
    earlier.mark = this.#scan;
    earlier.waiters.push(later);
    later.blockers += 1;
    if (earlier.held || earlier.behindHeld) later.behindHeld = true;
  }

  #link(item: RangeItem, granule: number): void {
    let node = item.nodes[item.nodesUsed];
    if (node === undefined) {
      node = { item, granule, prev: null, next: null };
      item.nodes.push(node);
    }
    item.nodesUsed += 1;
    node.granule = granule;
    this.#push(node);
  }

  #push(node: Node): void {
    const at = node.granule & this.#mask;
    const head = this.#buckets[at] ?? null;
    node.prev = null;
    node.next = head;
    if (head !== null) head.prev = node;
    this.#buckets[at] = node;
  }

  #unlink(node: Node): void {
    if (node.prev === null) this.#buckets[node.granule & this.#mask] = node.next;
    else node.prev.next = node.next;
    if (node.next !== null) node.next.prev = node.prev;
    node.prev = null;
    node.next = null;
  }

  /** Four times the buckets. Lists are walked from their old end, so that newest stays first. */
  #grow(): void {
    const old = this.#buckets;
    this.#buckets = emptyBuckets(old.length * 4);
    this.#mask = this.#buckets.length - 1;
    for (const head of old) {
      let node = head;
      while (node?.next) node = node.next;
      while (node) {
        const { prev } = node;
        this.#push(node);
        node = prev;
      }
    }
  }
}

function emptyBuckets(count: number): (Node | null)[] {
  return Array.from<Node | null>({ length: count }).fill(null);
}
