import { createVirtualClock, type VirtualClock } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";
import { createBackoff } from "./backoff.ts";
import { Reconnector } from "./reconnector.ts";

/** A reconnector whose tries the test settles. */
class Bench {
  readonly clock: VirtualClock = createVirtualClock({ start: 1000 });
  readonly tries: {
    at: number;
    signal: AbortSignal;
    succeed: (value: string) => void;
    fail: (why: unknown) => void;
  }[] = [];
  readonly results: string[] = [];
  readonly discarded: string[] = [];
  accept = true;
  refused = false;
  onFailure: () => void = () => {};
  readonly reconnector: Reconnector<string> = new Reconnector<string>({
    clock: this.clock,
    backoff: createBackoff({ jitter: 0 }, () => 0),
    timeoutMs: 5000,
    spacingMs: 100,
    attempt: (signal) =>
      new Promise((succeed, fail) => {
        this.tries.push({ at: this.clock.now(), signal, succeed, fail });
        signal.addEventListener("abort", () => fail(signal.reason));
      }),
    onSuccess: (result) => {
      this.results.push(result);
      return this.accept;
    },
    onFailure: () => {
      this.onFailure();
      return this.refused;
    },
    discard: (result) => void this.discarded.push(result),
  });

  get times(): number[] {
    return this.tries.map(({ at }) => at - 1000);
  }

  last(): (typeof this.tries)[number] {
    return this.tries.at(-1)!;
  }
}

const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("the first try is made at once, the others after growing pauses", async () => {
  const bench = new Bench();
  bench.reconnector.start();
  for (let i = 0; i < 4; i += 1) {
    bench.last().fail(new Error("no"));
    await settle();
    bench.clock.step();
  }
  expect(bench.times).toEqual([0, 100, 300, 700, 1500]);
});

test("while nobody listens, the pauses stay short", async () => {
  const bench = new Bench();
  bench.refused = true;
  bench.reconnector.start();
  for (let i = 0; i < 50; i += 1) {
    bench.last().fail(new Error("no"));
    await settle();
    bench.clock.step();
  }
  expect(bench.times.at(-1)).toBe(5000);
});

test("a try that was slow to fail has waited already", async () => {
  const bench = new Bench();
  bench.reconnector.start();
  bench.clock.advance(4999);
  expect(bench.last().signal.aborted).toBe(false);
  bench.clock.advance(1);
  expect(bench.last().signal.reason).toMatchObject({ code: "ETIMEDOUT", errorClass: "transport" });
  await settle();
  expect(bench.times).toEqual([0, 5000]);
});

test("two tries are never closer than the spacing, although both succeed", async () => {
  const bench = new Bench();
  for (let i = 0; i < 3; i += 1) {
    bench.reconnector.start();
    bench.clock.advance(100);
    bench.last().succeed("yes");
    await settle();
    expect(bench.reconnector.isActive).toBe(false);
  }
  expect(bench.times).toEqual([0, 100, 200]);
  expect(bench.clock.pending).toBe(0);
});

test("what is not accepted is tried again", async () => {
  const bench = new Bench();
  bench.accept = false;
  bench.reconnector.start();
  bench.last().succeed("another disk");
  await settle();
  bench.accept = true;
  bench.clock.step();
  bench.last().succeed("the disk");
  await settle();
  expect(bench.results).toEqual(["another disk", "the disk"]);
  expect(bench.times).toEqual([0, 100]);
  expect(bench.reconnector.isActive).toBe(false);
});

test("now() ends a pause, and nothing else", async () => {
  const bench = new Bench();
  bench.reconnector.now();
  expect(bench.tries).toHaveLength(0);
  bench.reconnector.start();
  bench.reconnector.now();
  expect(bench.tries).toHaveLength(1);
  bench.last().fail(new Error("no"));
  await settle();
  bench.reconnector.now();
  expect(bench.times).toEqual([0, 0]);
  expect(bench.clock.pending).toBe(1);
});

test("stop() aborts a try, and its late success is let go of", async () => {
  const bench = new Bench();
  bench.reconnector.start();
  const { succeed, signal } = bench.last();
  succeed("late");
  bench.reconnector.stop();
  expect(signal.aborted).toBe(true);
  await settle();
  expect(bench.results).toEqual([]);
  expect(bench.discarded).toEqual(["late"]);
  expect(bench.clock.pending).toBe(0);
  bench.reconnector.start();
  bench.clock.advance(100);
  expect(bench.tries).toHaveLength(2);
});

test("a failure from within which it is stopped is the last", async () => {
  const bench = new Bench();
  bench.reconnector.start();
  bench.onFailure = () => bench.reconnector.stop();
  bench.clock.advance(4000);
  bench.last().fail(new Error("no"));
  await settle();
  expect(bench.tries).toHaveLength(1);
  expect(bench.reconnector.isActive).toBe(false);
  expect(bench.clock.pending).toBe(0);
});

test("a loss from within the success starts the next round", async () => {
  const bench = new Bench();
  bench.reconnector.start();
  const { results } = bench;
  results.push = (...items) => {
    if (bench.tries.length === 1) bench.reconnector.start();
    return Array.prototype.push.apply(results, items);
  };
  bench.last().succeed("lost at once");
  await settle();
  bench.clock.advance(100);
  expect(bench.times).toEqual([0, 100]);
});
