import { expect, test } from "vitest";
import { BusyPoll } from "./busy-poll.ts";

/** A poll, and an event loop that it keeps awake. */
function bed(): { poll: BusyPoll; turns: (most?: number) => number } {
  let next: (() => void) | null = null;
  const poll = new BusyPoll((turn) => {
    expect(next, "one turn is planned at a time").toBeNull();
    next = turn;
  });
  const turns = (most = 1000): number => {
    let count = 0;
    for (; count < most && next !== null; count += 1) {
      const turn: () => void = next;
      next = null;
      turn();
    }
    return count;
  };
  return { poll, turns };
}

test("the loop stays awake for a bounded number of turns, counted anew from whatever comes", () => {
  const { poll, turns } = bed();
  expect(turns()).toBe(0);
  poll.came();
  expect(turns()).toBe(64);
  poll.came();
  expect(turns(60)).toBe(60);
  poll.came();
  poll.came();
  expect(turns()).toBe(64);
});

test("where nothing ever comes in time, next to no turns are made in the end", () => {
  const { poll, turns } = bed();
  let made = 0;
  for (let time = 0; time < 10_000; time += 1) {
    poll.came();
    made += turns();
  }
  // 4 times before the first pause, then once after each pause of 4, 8 … 1024 times.
  expect(made / 64).toBeLessThan(25);
  expect(made / 64).toBeGreaterThan(4);
});

test("once something comes in time, it turns as patiently as at first", () => {
  const { poll, turns } = bed();
  const cameUntilItTurns = (): number => {
    for (let count = 1; ; count += 1) {
      poll.came();
      if (turns(1) > 0) return count;
    }
  };
  for (let time = 0; time < 100; time += 1) {
    poll.came();
    turns();
  }
  expect(cameUntilItTurns()).toBeGreaterThan(1);
  poll.came();
  expect(turns()).toBe(64);
  for (let time = 0; time < 3; time += 1) {
    expect(cameUntilItTurns()).toBe(1);
    turns();
  }
  expect(cameUntilItTurns()).toBe(5);
});
