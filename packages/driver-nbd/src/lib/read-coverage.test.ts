import fc from "fast-check";
import { expect, test } from "vitest";
import { ReadCoverage } from "./read-coverage.ts";

test("pieces in order", () => {
  const coverage = new ReadCoverage();
  expect(coverage.add(0, 10)).toBe(true);
  expect(coverage.isComplete(20)).toBe(false);
  expect(coverage.add(10, 10)).toBe(true);
  expect(coverage.isComplete(20)).toBe(true);
});

test("an overlap is refused wherever it is", () => {
  const coverage = new ReadCoverage();
  coverage.add(0, 10);
  coverage.add(20, 10);
  for (const [start, length] of [
    [0, 1],
    [9, 1],
    [9, 5],
    [15, 6],
    [20, 1],
    [29, 5],
    [10, 11],
    [5, 40],
  ] as const) {
    expect(coverage.add(start, length)).toBe(false);
  }
  expect(coverage.add(10, 10)).toBe(true);
  expect(coverage.isComplete(30)).toBe(true);
});

test("any cut in any order covers, and any repeated piece is noticed", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 199 }), { maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      fc.nat(),
      (cuts, chance, again) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), 200];
        const pieces = edges.slice(1).map((end, at) => ({ start: edges[at]!, length: end - edges[at]! }));
        const shuffled = pieces
          .map((piece) => ({ piece, key: chance.next().value }))
          .toSorted((a, b) => a.key - b.key)
          .map((entry) => entry.piece);
        const coverage = new ReadCoverage();
        for (const piece of shuffled) {
          expect(coverage.isComplete(200)).toBe(false);
          expect(coverage.add(piece.start, piece.length)).toBe(true);
          expect(coverage.add(piece.start, piece.length)).toBe(false);
        }
        expect(coverage.isComplete(200)).toBe(true);
        const repeated = pieces[again % pieces.length]!;
        expect(coverage.add(repeated.start, repeated.length)).toBe(false);
      },
    ),
  );
});

test("scattered pieces are bounded", () => {
  const coverage = new ReadCoverage();
  let taken = 0;
  while (coverage.add(2 * taken + 1, 1)) taken += 1;
  expect(taken).toBe(4096);
});
