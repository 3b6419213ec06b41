import { expect, test } from "vitest";
import { estimateMedian, median, pairRatios, percentile, spreadOf } from "./statistics.ts";

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

test("an estimate of a median leaves out as many values at both ends as chance allows", () => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => count - at);
  expect(estimateMedian([])).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN });
  expect(estimateMedian([7])).toEqual({ value: 7, low: 7, high: 7 });
  expect(estimateMedian(upTo(5))).toEqual({ value: 3, low: 1, high: 5 });
  expect(estimateMedian(upTo(8))).toEqual({ value: 4.5, low: 1, high: 8 });
  // The published table of these ranks has 2 for 9 values, 6 for 20 and 40 for 100.
  expect(estimateMedian(upTo(9))).toEqual({ value: 5, low: 2, high: 8 });
  expect(estimateMedian(upTo(20))).toEqual({ value: 10.5, low: 6, high: 15 });
  expect(estimateMedian(upTo(100))).toEqual({ value: 50.5, low: 40, high: 61 });
});
