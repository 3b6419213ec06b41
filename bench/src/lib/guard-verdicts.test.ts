import { expect, test } from "vitest";
import { compareRounds, formatComparisons, type Round } from "./guard-verdicts.ts";
import type { MicroFigure } from "./micro-figures.ts";

function round(base: number, now: number, unit: MicroFigure["unit"] = "ns"): Round {
  return { base: [{ name: "walk", unit, value: base }], now: [{ name: "walk", unit, value: now }] };
}

test("a machine that becomes slower between rounds is no regression", () => {
  const [comparison] = compareRounds([round(100, 101), round(300, 303), round(200, 190)], 0.1);
  expect(comparison).toEqual({ name: "walk", unit: "ns", base: 200, now: 190, ratio: 1.01, dearer: false });
});

test("what is dearer in every round is one", () => {
  expect(compareRounds([round(100, 112), round(300, 310), round(200, 240)], 0.1)[0]?.dearer).toBe(true);
  expect(compareRounds([round(100, 112), round(300, 280), round(200, 240)], 0.1)[0]?.dearer).toBe(false);
  expect(compareRounds([round(100, 101), round(300, 310), round(200, 240)], 0.1)[0]?.dearer).toBe(false);
});

test("bytes are compared by their difference", () => {
  expect(compareRounds([round(0, 1.5, "bytes of heap")], 0.1)[0]?.dearer).toBe(false);
  expect(compareRounds([round(0, 16, "bytes of heap")], 0.1)[0]?.dearer).toBe(true);
});

test("what only one of both measures is left out", () => {
  const rounds: Round[] = [{ base: [], now: [{ name: "new", unit: "ns", value: 1 }] }];
  expect(compareRounds(rounds, 0.1)).toEqual([]);
  expect(formatComparisons(compareRounds([round(100, 150)], 0.1))).toContain("1 figures compared, 1 dearer");
});
