import { createMemoryDriver } from "@rehandle/driver-memory";
import {
  BlockError,
  createBlockClient,
  createRandom,
  createVirtualClock,
  type BlockDriver,
  type BlockRequest,
} from "@rehandle/driver-sdk";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";

import { ExpectedData } from "./expected-data.ts";
import { ProgressMeter } from "./progress-meter.ts";
import { Workload } from "./workload.ts";

const BLOCK_SIZE = 4096;
const BLOCKS = 64;

/** What becomes of a request instead of being served by the memory driver; false: serve it. */
type Interception = (request: BlockRequest) => boolean;

/** A workload on a disk in memory, whose requests a test may intercept. */
async function createBench(queueDepth: number, intercept: Interception = () => false) {
  const clock = createVirtualClock();
  const memory = createMemoryDriver({ size: BLOCKS * BLOCK_SIZE });
  await memory.open({ clock, random: createRandom(1), held: false, onEvent: () => undefined });
  const driver: BlockDriver = {
    driverName: "intercepted",
    capabilities: memory.capabilities,
    open: (context) => memory.open(context),
    submit: (request) => {
      if (!intercept(request)) memory.submit(request);
    },
    close: () => memory.close(),
  };
  const meter = new ProgressMeter(clock.now());
  const data = new ExpectedData(BLOCKS, BLOCK_SIZE);
  const errors: unknown[] = [];
  const workload = new Workload({
    client: createBlockClient(driver),
    data,
    meter,
    clock,
    random: createRandom(7),
    queueDepth,
    onError: (error) => errors.push(error),
  });
  /** Lets the workload run for `ms` of the clock. */
  const run = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1) {
      await setImmediate();
      clock.advance(1);
    }
  };
  /** Ends the workload. */
  const stop = async (): Promise<void> => {
    const stopped = workload.stop();
    await run(200);
    await stopped;
  };
  return { workload, meter, data, errors, run, stop };
}

function fail(request: BlockRequest): true {
  request.complete(request, new BlockError("gone", { code: "EIO" }));
  return true;
}

test("reads and writes, flushes now and then, and finds everything as written", async () => {
  const operations = new Map<string, number>();
  const { workload, meter, errors, run, stop } = await createBench(8, ({ operation }) => {
    operations.set(operation, (operations.get(operation) ?? 0) + 1);
    return false;
  });
  workload.start();
  await run(2000);
  await stop();
  expect(meter.completed).toBeGreaterThan(2000);
  expect(operations.get("write")).toBeGreaterThan(1000);
  expect(operations.get("read")).toBeGreaterThan(1000);
  expect(operations.get("flush")).toBeGreaterThan(10);
  expect(errors).toEqual([]);
  expect(workload.wrongReads).toBe(0);
  await expect(workload.verify()).resolves.toEqual({ blocks: BLOCKS, right: BLOCKS, uncertain: 0 });
});

test("waits for what is in flight, never two requests of one block", async () => {
  const inFlight: BlockRequest[] = [];
  const { workload, meter, run } = await createBench(16, (request) => {
    inFlight.push(request);
    return true;
  });
  workload.start();
  await run(500);
  expect(workload.inFlight).toBe(16);
  expect(new Set(inFlight.map(({ offset }) => offset)).size).toBe(16);
  expect(inFlight.every(({ offset, length }) => offset % BLOCK_SIZE === 0 && length === BLOCK_SIZE)).toBe(true);

  let stopped = false;
  const stopping = workload.stop().then(() => (stopped = true));
  await run(100);
  expect(stopped).toBe(false);
  for (const request of inFlight.splice(0)) request.complete(request, null);
  await run(100);
  await stopping;
  expect(meter.completed).toBe(16);
  expect(inFlight).toEqual([]);
});

test("counts what fails, does not hurry then, and takes blocks that a failed write may have changed for either", async () => {
  let away = false;
  let landed = 0;
  const { workload, meter, errors, run, stop } = await createBench(8, (request) => {
    if (!away) return false;
    if (request.operation !== "write" || landed >= 5) return fail(request);
    // It lands, and its answer is lost.
    landed += 1;
    const { complete } = request;
    request.complete = () => complete(request, new BlockError("gone", { code: "EIO" }));
    return false;
  });
  workload.start();
  await run(500);
  away = true;
  // Those that had their answer, and have not taken note of it.
  await setImmediate();
  const before = meter.completed;
  await run(1000);
  expect(meter.completed).toBe(before);
  expect(workload.failures).toBe(errors.length);
  expect(workload.failures).toBeGreaterThanOrEqual(8 * 9);
  expect(workload.failures).toBeLessThanOrEqual(8 * 11);
  away = false;
  await stop();
  const found = await workload.verify();
  expect(landed).toBe(5);
  expect(found.right).toBe(BLOCKS);
  expect(found.uncertain).toBeGreaterThan(5);
});

test("notices a write that was acknowledged and lost", async () => {
  let lose = false;
  const { workload, run, stop } = await createBench(8, (request) => {
    if (!lose || request.operation !== "write") return false;
    lose = false;
    request.complete(request, null);
    return true;
  });
  workload.start();
  await run(200);
  await stop();
  lose = true;
  workload.start();
  // Few requests, so that nobody writes over it.
  await run(2);
  await stop();
  expect(lose).toBe(false);
  const { right } = await workload.verify();
  expect(BLOCKS - right).toBe(1);
});

test("notices a read that gives other data", async () => {
  const { workload, run, stop } = await createBench(8, (request) => {
    if (request.operation !== "read") return false;
    const { complete } = request;
    request.complete = (_, error) => {
      const bytes = request.iov[0];
      if (bytes !== undefined) bytes[100] = (bytes[100] ?? 0) ^ 1;
      complete(request, error);
    };
    return false;
  });
  workload.start();
  await run(100);
  await stop();
  expect(workload.wrongReads).toBeGreaterThan(10);
});
