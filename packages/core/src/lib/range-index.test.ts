import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { RangeIndex } from "./range-index.ts";
import { RangeItem } from "./range-item.ts";

interface Range {
  readonly start: number;
  readonly length: number;
  readonly mutates: boolean;
}

function itemOf({ start, length, mutates }: Range, lateComer = false): RangeItem {
  const item = new RangeItem(lateComer);
  return Object.assign(item, { start, end: start + length, mutates });
}

/** Spread over granules, of one table or of several. */
const range = fc.record({
  start: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 65_500, max: 65_560 }), fc.constant(2 ** 45)),
  length: fc.oneof(
    fc.integer({ min: 0, max: 30 }),
    fc.constantFrom(65_536, 70_000, 131_072),
    fc.constantFrom(3_000_000, 40_000_000, 2 ** 33),
  ),
  mutates: fc.boolean(),
});

/** Adding an item, or a fence, and perhaps taking one out; the number chooses which. */
const steps = fc.array(fc.tuple(range, fc.nat(), fc.boolean(), fc.integer({ min: 0, max: 7 })), { maxLength: 40 });

/** What the index says, next to what it should say. */
class Model {
  readonly free = new Set<RangeItem>();
  readonly alive: { item: RangeItem; waitsFor: RangeItem[] }[] = [];
  readonly index = new RangeIndex(
    (item) => this.free.add(item),
    () => {},
  );
  ghosts = false;

  add(item: RangeItem): void {
    const waitsFor = item.lateComer
      ? []
      : this.alive.map((other) => other.item).filter((other) => conflict(other, item));
    if (item.lateComer) {
      const queued = this.alive.filter((other) => !this.free.has(other.item) && conflict(other.item, item));
      for (const other of queued) other.waitsFor.push(item);
      this.index.addFence(item, (other) => this.free.has(other));
    } else {
      this.index.add(item);
    }
    this.alive.push({ item, waitsFor });
    if (item.lateComer || item.blockers === 0) this.free.add(item);
  }

  /** Blocked items are taken out too: those behind them must go on waiting for those before them. */
  remove(which: number): void {
    const [gone] = this.alive.splice(which % this.alive.length, 1);
    if (!this.index.remove(gone!.item)) this.ghosts = true;
  }

  check(): void {
    const alive = new Set(this.alive.map(({ item }) => item));
    for (const { item, waitsFor } of this.alive) {
      const blocked = waitsFor.some((other) => alive.has(other));
      if (this.free.has(item) !== blocked) continue;
      // A ghost may keep somebody waiting for what stands before it; nobody ever goes too early.
      if (blocked || !this.ghosts) throw new Error(blocked ? "an item went too early" : "an item waits for nobody");
    }
  }
}

function conflict(earlier: RangeItem, later: RangeItem): boolean {
  const overlap = Math.max(earlier.start, later.start) < Math.min(earlier.end, later.end);
  return overlap && (earlier.mutates || later.mutates);
}

/** How often the index looks at the items already there when another one comes. */
function countLooks(there: readonly Range[], next: Range): number {
  let looks = 0;
  const index = new RangeIndex(
    () => {},
    () => {},
  );
  for (const each of there) {
    const item = itemOf(each);
    Object.defineProperty(item, "start", { get: () => ((looks += 1), each.start) });
    index.add(item);
  }
  looks = 0;
  index.add(itemOf(next));
  return looks;
}

describe("RangeIndex", () => {
  it("lets an item go when every earlier conflicting item is over, and never before", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const model = new Model();
        for (const [next, which, removes, kind] of list) {
          const isFence = kind === 0 && next.length > 0;
          model.add(isFence ? itemOf({ ...next, mutates: true }, true) : itemOf(next));
          model.check();
          if (removes) model.remove(which);
          model.check();
        }
        while (model.alive.length > 0) model.remove(0);
        expect(model.index.size).toBe(0);
      }),
      { numRuns: 4_000 },
    );
  });

  it("looks at what can still be seen, however many have piled up", () => {
    const many = (make: (at: number) => Range): Range[] => Array.from({ length: 1_000 }, (_, at) => make(at));
    const write = { start: 0, length: 4096, mutates: true };
    const other = { start: 8192, length: 4096, mutates: true };
    const wide = { start: 0, length: 2 ** 21, mutates: true };
    const read = (of: Range): Range => ({ ...of, mutates: false });
    // Reads behind one write; writes of one place, and others of the same granule; reads that a write waits for already.
    expect(countLooks([write, ...many(() => read(write))], read(write))).toBeLessThan(10);
    expect(
      countLooks(
        many(() => write),
        other,
      ),
    ).toBeLessThan(10);
    expect(countLooks([...many(() => read(other)), other, ...many(() => write)], other)).toBeLessThan(10);
    // Long ones, one over the other or side by side.
    expect(
      countLooks(
        many(() => wide),
        wide,
      ),
    ).toBeLessThan(30);
    expect(
      countLooks(
        many((at) => ({ ...wide, start: at * 2 ** 21 })),
        wide,
      ),
    ).toBeLessThan(30);
    expect(
      countLooks(
        many((at) => ({ ...wide, start: at * 4096 })),
        { ...wide, start: 4_096_000 },
      ),
    ).toBeLessThan(60);
  });

  it("a fence holds what is already there, but for those that are exempt", () => {
    const freed: RangeItem[] = [];
    const index = new RangeIndex(
      (item) => freed.push(item),
      () => {},
    );
    const [first, second] = [
      itemOf({ start: 0, length: 10, mutates: true }),
      itemOf({ start: 5, length: 10, mutates: false }),
    ];
    index.add(first);
    index.add(second);
    const fence = Object.assign(new RangeItem(true), { start: 0, end: 10, mutates: true });
    index.addFence(fence, (item) => item === first);
    index.remove(first);
    expect(freed).toEqual([]);
    index.remove(fence);
    expect(freed).toEqual([second]);
  });

  it("a fence holds what a later write covers as well", () => {
    const freed: RangeItem[] = [];
    const index = new RangeIndex(
      (item) => freed.push(item),
      () => {},
    );
    const [first, second, third] = [0, 1, 2].map(() => itemOf({ start: 0, length: 10, mutates: true }));
    for (const item of [first!, second!, third!]) index.add(item);
    const fence = itemOf({ start: 0, length: 10, mutates: true }, true);
    index.addFence(fence, (item) => item === first);
    index.remove(first!);
    expect(freed).toEqual([]);
    index.remove(fence);
    expect(freed).toEqual([second]);
  });

  it("a fence does not stand for those that came after what it guards", () => {
    const freed: RangeItem[] = [];
    const index = new RangeIndex(
      (item) => freed.push(item),
      () => {},
    );
    const [first, second, third] = [0, 1, 2].map(() => itemOf({ start: 0, length: 10, mutates: true })) as [
      RangeItem,
      RangeItem,
      RangeItem,
    ];
    index.add(first);
    index.add(second);
    // Newest in its list, but as old as `first`: `second` still stands between it and `third`.
    const fence = Object.assign(new RangeItem(true), { start: 0, end: 10, mutates: true });
    index.addFence(fence, (item) => item === first);
    index.add(third);
    index.remove(first);
    index.remove(fence);
    expect(freed).toEqual([second]);
    index.remove(second);
    expect(freed).toEqual([second, third]);
  });

  it("stays quick when many overlap, and when many do not", () => {
    const count = 100_000;
    for (const spread of [0, 4096]) {
      const index = new RangeIndex(
        () => {},
        () => {},
      );
      const items = Array.from({ length: count }, (_, n) => itemOf({ start: n * spread, length: 4096, mutates: true }));
      for (const item of items) index.add(item);
      // One edge each at most: a chain, not a clique.
      expect(items.every((item) => item.blockers <= 1)).toBe(true);
      for (const item of items) index.remove(item);
      expect(index.size).toBe(0);
    }
  });
});

it("a fence looks at its neighbours only", () => {
  let looks = 0;
  const index = new RangeIndex(
    () => {},
    () => {},
  );
  for (let at = 0; at < 1000; at += 1) {
    const item = new RangeItem(false);
    const start = at * 65536;
    Object.defineProperty(item, "start", { get: () => ((looks += 1), start), set: () => {} });
    item.end = start + 512;
    item.mutates = true;
    index.add(item);
  }
  looks = 0;
  const fence = new RangeItem(true);
  fence.start = 65536;
  fence.end = 65536 + 512;
  fence.mutates = true;
  index.addFence(fence, () => false);
  expect(looks).toBeLessThan(50);
});
