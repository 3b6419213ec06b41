import { expect, test } from "vitest";

import { Haste } from "./haste.ts";

function createBatches(): {
  haste: Haste;
  run: (took: number) => boolean;
  refusals: () => number;
  pass: (ms: number) => void;
} {
  let now = 0;
  const haste = new Haste(() => now);
  /** Runs a batch. Was it worth it? */
  const run = (took: number): boolean => {
    const worth = haste.begin();
    now += took;
    haste.end();
    return worth;
  };
  /** Batches that are not worth it until one is, which takes long. */
  const refusals = (): number => {
    let count = 0;
    while (!run(5)) count += 1;
    return count;
  };
  return { haste, run, refusals, pass: (ms) => void (now += ms) };
}

test("pauses after a batch that took more than a millisecond", () => {
  const { run, refusals } = createBatches();
  expect([run(1), run(1), run(1.1)]).toEqual([true, true, true]);
  expect(refusals()).toBe(64);
});

test("pauses for longer if the next is long, too, up to a bound, and no longer after one that is short", () => {
  const { run, refusals } = createBatches();
  run(5);
  expect(Array.from({ length: 8 }, refusals)).toEqual([64, 128, 256, 512, 1024, 2048, 4096, 4096]);
  for (let count = 0; count < 4096; count += 1) expect(run(0)).toBe(false);
  expect([run(0), run(5)]).toEqual([true, true]);
  expect(refusals()).toBe(64);
});

test("a batch that went another way is not timed", () => {
  const { haste, pass } = createBatches();
  expect(haste.begin()).toBe(true);
  haste.cancel();
  pass(5);
  haste.end();
  expect(haste.begin()).toBe(true);
});
