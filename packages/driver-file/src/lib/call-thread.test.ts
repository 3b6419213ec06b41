import { expect, test } from "vitest";

import { CallThread } from "./call-thread.ts";

const koffi = await import("koffi").catch(() => null);
const numbers = { x64: { getpid: 39, nanosleep: 35 }, arm64: { getpid: 172, nanosleep: 101 } }[process.arch as string];
const works = koffi !== null && process.platform === "linux" && numbers !== undefined;
if (!works) {
  if (process.env["CI"] !== undefined) throw new Error("system calls on a thread do not work here");
  console.warn("NOT RUN: system calls on a thread of their own: koffi is missing, or this is not Linux");
}

interface Ending {
  readonly result: number | null;
  readonly errno: number;
}

async function startThread(): Promise<{
  thread: CallThread;
  run: (number: number, first?: number) => Promise<Ending>;
}> {
  const schedYield = koffi!.load(null).func("sched_yield", "int", []);
  const thread = new CallThread(schedYield);
  await expect.poll(() => thread.isFree).toBe(true);
  const run = (number: number, first = 0): Promise<Ending> =>
    new Promise((resolve) => thread.run(number, [first, 0, 0], (result, errno) => resolve({ result, errno })));
  return { thread, run };
}

/** struct timespec of 50 ms, and where it is. */
const pause = new BigInt64Array([0n, 50_000_000n]);
const pauseAt = (): number => Number(koffi!.address(pause));

const isKeptAlive = (): boolean => process.getActiveResourcesInfo().includes("MessagePort");

test.runIf(works)("tells what calls return, one after the other", async () => {
  const { thread, run } = await startThread();
  for (let count = 0; count < 1000; count += 1) {
    expect(await run(numbers!.getpid)).toEqual({ result: process.pid, errno: 0 });
  }
  expect(thread.isFree).toBe(true);
  // nanosleep(2) of a time that is nowhere.
  expect(await run(numbers!.nanosleep)).toEqual({ result: -1, errno: 14 });
});

test.runIf(works)("the event loop goes on during a long call, and sleeps, and the process does not end", async () => {
  const { thread, run } = await startThread();
  const before = isKeptAlive();
  let turns = 0;
  const call = run(numbers!.nanosleep, pauseAt());
  const start = performance.now();
  const used = performance.eventLoopUtilization();
  const states = new Set<boolean>();
  const timer = setInterval(() => {
    turns += 1;
    states.add(isKeptAlive());
    expect(thread.isFree).toBe(false);
  }, 5);
  expect(await call).toEqual({ result: 0, errno: 0 });
  clearInterval(timer);
  expect(performance.now() - start).toBeGreaterThanOrEqual(49);
  expect(turns).toBeGreaterThan(2);
  expect(performance.eventLoopUtilization(used).utilization).toBeLessThan(0.5);
  expect([before, ...states, isKeptAlive()]).toEqual([false, true, false]);
  // After long calls as after short ones.
  expect((await run(numbers!.getpid)).result).toBe(process.pid);
});

test.runIf(works)("a thread that slept meanwhile is woken", async () => {
  const { run } = await startThread();
  for (let count = 0; count < 5; count += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await run(numbers!.getpid)).result).toBe(process.pid);
  }
});

test.runIf(works)("a thread that ends tells that nobody knows how its call ended, and is not free again", async () => {
  const { thread, run } = await startThread();
  const call = run(numbers!.nanosleep, pauseAt());
  await thread.end();
  expect(await call).toEqual({ result: null, errno: 0 });
  expect(thread.isFree).toBe(false);
});
