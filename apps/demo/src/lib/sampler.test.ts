import { createVirtualClock } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { recentRate, totals, type Sample } from "./sample.ts";
import { Sampler } from "./sampler.ts";

test("gives what happened in each slot, at equal distances", () => {
  const clock = createVirtualClock({ start: 500 });
  const samples: Sample[] = [];
  const reading = { storageUp: true, hang: false, completed: 0, failed: 0, held: 3 };
  const sampler = new Sampler(
    clock,
    100,
    () => ({ ...reading }),
    (sample) => samples.push(sample),
  );
  reading.completed = 10;
  clock.advance(100);
  reading.completed = 15;
  reading.failed = 2;
  clock.advance(100);
  clock.advance(100);
  expect(samples).toEqual([
    { ...reading, at: 100, completed: 10, failed: 0 },
    { ...reading, at: 200, completed: 5, failed: 2 },
    { ...reading, at: 300, completed: 0, failed: 0 },
  ]);
  sampler.stop();
  clock.advance(1000);
  expect(samples).toHaveLength(3);
  expect(clock.pending).toBe(0);
});

test("rates are those of the last second", () => {
  const sample: Sample = { at: 0, storageUp: true, hang: false, completed: 100, failed: 1, held: 0 };
  const quiet = { ...sample, completed: 0 };
  expect(recentRate([], 250)).toBe(0);
  expect(recentRate([sample], 250)).toBe(400);
  expect(recentRate([sample, sample, quiet, quiet, quiet], 250)).toBe(100);
  expect(totals([sample, sample, quiet])).toEqual({ completed: 200, failed: 3 });
});
