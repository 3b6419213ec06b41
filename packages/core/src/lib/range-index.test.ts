import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { RangeIndex, RangeItem } from "./range-index.ts";

interface Range {
  readonly start: number;
  readonly length: number;
  readonly mutates: boolean;
}

function itemOf({ start, length, mutates }: Range): RangeItem {
  const item = new RangeItem(false);
  return Object.assign(item, { start, end: start + length, mutates });
}

/** Spread over granules, wide ones among them. */
const range = fc.record({
  start: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 65_500, max: 65_560 }), fc.constant(2 ** 45)),
  length: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(70_000), fc.constant(3_000_000)),
  mutates: fc.boolean(),
});

/** Removing an item, or adding the next; the number chooses which. */
const steps = fc.array(fc.tuple(range, fc.nat(), fc.boolean()), { maxLength: 40 });

describe("RangeIndex", () => {
  it("lets an item go when every earlier conflicting item is over, and never before", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const free = new Set<RangeItem>();
        const index = new RangeIndex(
          (item) => free.add(item),
          () => {},
        );
        const alive: RangeItem[] = [];
        let ghosts = false;
        const check = (): void => {
          for (const [at, item] of alive.entries()) {
            if (item.end === item.start) continue;
            const blocked = alive
              .slice(0, at)
              .some(
                (other) =>
                  other.end > other.start &&
                  other.start < item.end &&
                  item.start < other.end &&
                  (other.mutates || item.mutates),
              );
            // A ghost may keep somebody waiting for what stands before it; nobody ever goes too early.
            if (free.has(item) === blocked) expect([blocked, ghosts]).toEqual([false, true]);
          }
        };
        for (const [next, which, removes] of list) {
          const item = itemOf(next);
          index.add(item);
          alive.push(item);
          if (item.blockers === 0) free.add(item);
          check();
          // Blocked items are taken out too: those behind them must go on waiting for those before them.
          if (removes && !index.remove(alive.splice(which % alive.length, 1)[0]!)) ghosts = true;
          check();
        }
        while (alive.length > 0) index.remove(alive.shift()!);
        expect(index.size).toBe(0);
      }),
      { numRuns: 2_000 },
    );
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
