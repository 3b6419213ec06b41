import { expect, test } from "vitest";
import { GiveWay } from "./give-way.ts";

/** Something to give way to, on a clock of its own. */
function bed(): { giveWay: GiveWay; others: { takes: number }; yields: (asked: number) => number } {
  let time = 0;
  let yielded = 0;
  const others = { takes: 0 };
  const schedYield = (): void => {
    yielded += 1;
    time += others.takes;
  };
  const giveWay = new GiveWay(() => time, schedYield);
  const yields = (asked: number): number => {
    yielded = 0;
    for (let count = 0; count < asked; count += 1) giveWay.run();
    return yielded;
  };
  return { giveWay, others, yields };
}

test("gives way each time to those who take little", () => {
  const { others, yields } = bed();
  others.takes = 0.4;
  expect(yields(1000)).toBe(1000);
});

test("gives way less and less to those who compute, but never stops to try", () => {
  const { others, yields } = bed();
  others.takes = 3;
  // At first, and after pauses of 64, 128 … 4096 times.
  expect(yields(64 + 1)).toBe(1);
  expect(yields(1 + 128)).toBe(1);
  expect(yields(100_000)).toBeLessThan(32);
  expect(yields(100_000)).toBeGreaterThan(20);
});

test("once they are gone, it gives way as often as at first", () => {
  const { others, yields } = bed();
  others.takes = 3;
  yields(100_000);
  others.takes = 0;
  yields(4097);
  expect(yields(1000)).toBe(1000);
  others.takes = 3;
  expect(yields(1)).toBe(1);
  expect(yields(64)).toBe(0);
  expect(yields(1)).toBe(1);
});
