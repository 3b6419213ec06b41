import type { BlockExtent } from "@rehandle/driver-sdk";
import fc from "fast-check";
import { expect, test } from "vitest";
import { writeExtents } from "./extent-writer.ts";

function written(extents: readonly BlockExtent[], length: number, most = 1000): [length: number, flags: number][] {
  const target = new DataView(new ArrayBuffer(8 * Math.min(most, extents.length)));
  const count = writeExtents(new Uint8Array(target.buffer), 0, extents, length, most);
  return Array.from({ length: count }, (_, i) => [target.getUint32(i * 8), target.getUint32(i * 8 + 4)]);
}

const data = (length: number): BlockExtent => ({ length, hole: false, zero: false });
const hole = (length: number): BlockExtent => ({ length, hole: true, zero: true });

test("neighbours of one kind become one, and the last ends with the request", () => {
  expect(written([data(1), data(2), hole(3), hole(4), data(100)], 20)).toEqual([
    [3, 0],
    [7, 3],
    [10, 0],
  ]);
});

test("no more are written than allowed, and merging goes on to the last", () => {
  expect(written([data(1), hole(2), hole(3), data(4)], 20, 2)).toEqual([
    [1, 0],
    [5, 3],
  ]);
});

test("what a defective driver gives is cut where it goes wrong", () => {
  expect(written([data(1), data(0), hole(2)], 20)).toEqual([[1, 0]]);
  expect(written([hole(1), data(-5)], 20)).toEqual([[1, 3]]);
  expect(written([data(Number.NaN)], 20)).toEqual([]);
  expect(written([], 20)).toEqual([]);
});

test("every byte keeps its status", () => {
  const extent = fc.record({ length: fc.integer({ min: 1, max: 9 }), hole: fc.boolean(), zero: fc.boolean() });
  const spread = (runs: [number, number][]): number[] => runs.flatMap(([n, flags]) => Array<number>(n).fill(flags));
  fc.assert(
    fc.property(fc.array(extent, { minLength: 1 }), fc.integer({ min: 1, max: 60 }), (extents, length) => {
      const raw = extents.map(({ length: n, hole: h, zero: z }): [number, number] => [n, (h ? 1 : 0) | (z ? 2 : 0)]);
      expect(spread(written(extents, length))).toEqual(spread(raw).slice(0, length));
    }),
  );
});
