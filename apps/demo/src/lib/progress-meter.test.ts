import { expect, test } from "vitest";

import { ProgressMeter } from "./progress-meter.ts";

test("the longest stall is the longest time between two successes", () => {
  const meter = new ProgressMeter(1000);
  for (const at of [1010, 1020, 1520, 1530]) meter.success(at);
  expect(meter.longestStall(1540)).toBe(500);
  expect(meter.completed).toBe(4);
});

test("it also counts before the first success and after the last", () => {
  const meter = new ProgressMeter(1000);
  expect(meter.longestStall(1300)).toBe(300);
  meter.success(1700);
  expect(meter.longestStall(1800)).toBe(700);
  expect(meter.longestStall(2500)).toBe(800);
});

test("the first success from a time on is told once, with its time", async () => {
  const meter = new ProgressMeter(0);
  meter.success(100);
  const first = meter.firstSuccess(200);
  meter.success(199);
  meter.success(250);
  meter.success(300);
  await expect(first).resolves.toBe(250);
});
