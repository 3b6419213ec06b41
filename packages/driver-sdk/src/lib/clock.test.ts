import { describe, expect, it } from "vitest";
import { createSystemClock } from "./clock.ts";

describe("system clock", () => {
  it("calls a timer once, not from within setTimer and not too early", async () => {
    const clock = createSystemClock();
    const start = clock.now();
    let called = 0;
    await new Promise<void>((resolve) => {
      clock.setTimer(20, () => {
        called += 1;
        resolve();
      });
      expect(called).toBe(0);
    });
    expect(clock.now() - start).toBeGreaterThanOrEqual(20);
    expect(called).toBe(1);
  });

  it("does not call what was cancelled", async () => {
    const clock = createSystemClock();
    let called = false;
    const timer = clock.setTimer(1, () => (called = true));
    timer.cancel();
    timer.cancel();
    await new Promise<void>((resolve) => clock.setTimer(10, resolve));
    expect(called).toBe(false);
  });

  it("waits longer than setTimeout can", async () => {
    const clock = createSystemClock();
    let called = false;
    const timer = clock.setTimer(2 ** 40, () => (called = true));
    await new Promise<void>((resolve) => clock.setTimer(10, resolve));
    timer.cancel();
    expect(called).toBe(false);
  });

  it("never goes back, and knows the date", () => {
    const clock = createSystemClock();
    let last = clock.now();
    for (let i = 0; i < 1000; i += 1) {
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(clock.realtime()).toBeGreaterThan(1.7e12);
  });
});
