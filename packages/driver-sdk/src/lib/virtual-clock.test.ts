import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "./virtual-clock.ts";

describe("virtual clock", () => {
  it("stands still, and starts where it is told", () => {
    const clock = createVirtualClock({ start: 5, realtimeStart: 1000 });
    expect([clock.now(), clock.realtime()]).toEqual([5, 1000]);
    clock.advance(2.5);
    expect([clock.now(), clock.realtime()]).toEqual([7.5, 1002.5]);
  });

  it("runs timers at their own time, those of the same time in the order they were set", () => {
    const clock = createVirtualClock();
    const ran: string[] = [];
    const set = (name: string, ms: number): void => {
      clock.setTimer(ms, () => ran.push(`${name}@${clock.now()}`));
    };
    set("a", 10);
    set("b", 5);
    set("c", 10);
    set("d", 0);
    clock.advance(9);
    expect(ran).toEqual(["d@0", "b@5"]);
    clock.advance(1);
    expect(ran).toEqual(["d@0", "b@5", "a@10", "c@10"]);
    expect([clock.now(), clock.pending, clock.nextDue]).toEqual([10, 0, undefined]);
  });

  it("never runs a timer from within setTimer, and counts a delay below 0 as 0", () => {
    const clock = createVirtualClock();
    let ran = 0;
    clock.setTimer(-5, () => (ran += 1));
    expect([ran, clock.nextDue]).toEqual([0, 0]);
    clock.advance(0);
    expect(ran).toBe(1);
  });

  it("runs timers that timers set, within the same advance", () => {
    const clock = createVirtualClock();
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.now());
      if (ran.length < 4) clock.setTimer(3, again);
    };
    clock.setTimer(3, again);
    clock.advance(9);
    expect(ran).toEqual([3, 6, 9]);
    expect(clock.step()).toBe(true);
    expect(clock.now()).toBe(12);
    expect(clock.step()).toBe(false);
  });

  it("does not run what was cancelled, by anybody at any time", () => {
    const clock = createVirtualClock();
    const ran: string[] = [];
    const b = { cancel: (): void => {} };
    const a = clock.setTimer(1, () => {
      ran.push("a");
      a.cancel();
      b.cancel();
    });
    Object.assign(
      b,
      clock.setTimer(1, () => ran.push("b")),
    );
    const c = clock.setTimer(2, () => ran.push("c"));
    c.cancel();
    c.cancel();
    expect(clock.pending).toBe(2);
    clock.advance(10);
    expect(ran).toEqual(["a"]);
    expect(clock.pending).toBe(0);
  });

  it("has its own time right when a timer throws", () => {
    const clock = createVirtualClock();
    clock.setTimer(1, () => {
      throw new Error("out of the timer");
    });
    expect(() => clock.advance(5)).toThrow("out of the timer");
    expect([clock.now(), clock.pending]).toEqual([1, 0]);
  });

  it("agrees with a sorted list, whatever is set and cancelled", () => {
    const timers = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 50 }), cancelled: fc.boolean() }));
    fc.assert(
      fc.property(timers, fc.integer({ min: 0, max: 60 }), (given, until) => {
        const clock = createVirtualClock();
        const ran: number[] = [];
        const set = given.map(({ ms }, index) => clock.setTimer(ms, () => ran.push(index)));
        given.forEach(({ cancelled }, index) => cancelled && set[index]?.cancel());
        const expected = given
          .map(({ ms, cancelled }, index) => ({ ms, cancelled, index }))
          .filter(({ ms, cancelled }) => !cancelled && ms <= until)
          .toSorted((a, b) => a.ms - b.ms || a.index - b.index);
        clock.advance(until);
        expect(ran).toEqual(expected.map(({ index }) => index));
        expect(clock.pending).toBe(given.filter(({ ms, cancelled }) => !cancelled && ms > until).length);
      }),
    );
  });
});
