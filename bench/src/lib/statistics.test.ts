import { expect, test } from "vitest";
import { median, pairRatios, percentile, spreadOf } from "./statistics.ts";

test("the median is the middle value, or the mean of the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 9, 1, 2])).toBe(5.5);
  expect(median([])).toBeNaN();
});

test("percentiles are values that were there", () => {
  const values = Array.from({ length: 200 }, (_, at) => 200 - at);
  expect(percentile(values, 50)).toBe(100);
  expect(percentile(values, 99)).toBe(198);
  expect(percentile([7], 99)).toBe(7);
  expect(percentile([3, 4], 0)).toBe(3);
  expect(percentile([], 50)).toBeNaN();
});

test("a spread is of numbers, not of their texts", () => {
  expect(spreadOf([10, 9, 100])).toEqual({ min: 9, median: 10, max: 100 });
  expect(spreadOf([])).toEqual({ min: Number.NaN, median: Number.NaN, max: Number.NaN });
});

test("ratios are taken pair by pair, and what cannot be divided is left out", () => {
  expect(pairRatios([2, 30], [1, 10])).toEqual([2, 3]);
  expect(pairRatios([2, 3, 4], [1])).toEqual([2]);
  expect(pairRatios([2, 3], [0, 3])).toEqual([1]);
});
