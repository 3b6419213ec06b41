// What the bookkeeping of one request costs, by the way that its completion is told. No data moves in the first table; in the
// second, 4 KiB do. Run: node --expose-gc --conditions=@rehandle/source packages/driver-sdk/bench/requests.ts
// CPU time of this process is what counts, so that other work on the machine does not.
import { createMemoryDriver } from "../../driver-memory/src/index.ts";
import {
  createBlockClient,
  createRandom,
  createRequest,
  createVirtualClock,
  defineDriver,
  type BlockDriver,
  type BlockRequest,
} from "../src/index.ts";

const DEPTH = 32;
const ROUNDS = 7;
/** Few enough for no collection to come between. */
const HEAP_COUNT = DEPTH * 50;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Runs `work(count)` several times, and prints the median CPU time and the bytes of heap for one of `count`. */
async function measure(name: string, count: number, work: (count: number) => void | Promise<void>): Promise<void> {
  await work(count);
  const [ns, bytes]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.cpuUsage();
    await work(count);
    const { user, system } = process.cpuUsage(start);
    ns.push(((user + system) * 1000) / count);
    const { gc } = globalThis as { gc?: () => void };
    gc?.();
    const before = process.memoryUsage().heapUsed;
    await work(HEAP_COUNT);
    bytes.push(Math.max(0, process.memoryUsage().heapUsed - before) / HEAP_COUNT);
  }
  console.log(
    `${name.padEnd(46)} ${median(ns).toFixed(1).padStart(7)} ns  ${median(bytes).toFixed(2).padStart(8)} bytes of heap`,
  );
}

/** A device that completes what was submitted when it is polled, as a socket's read event does. */
class Queue<T> {
  readonly #items: T[] = [];

  push(item: T): void {
    this.#items.push(item);
  }

  poll(finish: (item: T) => void): void {
    const batch = this.#items.splice(0);
    for (const item of batch) finish(item);
  }
}

function pooledCallback(count: number): void {
  const queue = new Queue<BlockRequest>();
  let left = count;
  const complete = (): void => void (left -= 1);
  const pool = Array.from({ length: DEPTH }, () => createRequest({ complete, length: 4096 }));
  while (left > 0) {
    for (const request of pool) {
      request.offset = left;
      queue.push(request);
    }
    queue.poll((request) => request.complete(request, null));
  }
}

function freshRequest(count: number): void {
  const queue = new Queue<BlockRequest>();
  let left = count;
  const complete = (): void => void (left -= 1);
  while (left > 0) {
    for (let slot = 0; slot < DEPTH; slot += 1) queue.push(createRequest({ complete, length: 4096, offset: left }));
    queue.poll((request) => request.complete(request, null));
  }
}

function closure(count: number): void {
  const queue = new Queue<{ offset: number; done: (error: Error | null) => void }>();
  let left = count;
  while (left > 0) {
    for (let slot = 0; slot < DEPTH; slot += 1) {
      const offset = left + slot;
      queue.push({ offset, done: (error) => void (left -= error === null || offset > 0 ? 1 : 0) });
    }
    queue.poll((item) => item.done(null));
  }
}

async function promise(count: number): Promise<void> {
  const queue = new Queue<() => void>();
  let left = count;
  while (left > 0) {
    const batch: Promise<void>[] = [];
    for (let slot = 0; slot < DEPTH; slot += 1) {
      const pending = new Promise<void>((resolve) => queue.push(resolve)).then(() => void (left -= 1));
      batch.push(pending);
    }
    queue.poll((resolve) => resolve());
    await batch.at(-1);
  }
}

/** An async function per layer, each of which looks at errors, over one promise at the bottom. */
function asyncLayers(layers: number): (count: number) => Promise<void> {
  return async (count) => {
    const queue = new Queue<() => void>();
    let call = (_offset: number): Promise<void> => new Promise((resolve) => queue.push(resolve));
    for (let layer = 0; layer < layers; layer += 1) {
      const below = call;
      call = async (offset) => {
        try {
          await below(offset);
        } catch (thrown) {
          throw new Error("layer", { cause: thrown });
        }
      };
    }
    let left = count;
    while (left > 0) {
      const batch: Promise<void>[] = [];
      for (let slot = 0; slot < DEPTH; slot += 1) batch.push(call(left));
      queue.poll((resolve) => resolve());
      await Promise.all(batch);
      left -= DEPTH;
    }
  };
}

async function opened(driver: BlockDriver): Promise<BlockDriver> {
  await driver.open({ clock: createVirtualClock(), random: createRandom(1), onEvent: () => {}, held: false });
  return driver;
}

/** Reads and writes 4 KiB in turn through a driver, DEPTH at a time, with pooled requests. */
function throughDriver(driver: BlockDriver): (count: number) => Promise<void> {
  return (count) =>
    new Promise((resolve) => {
      let toSubmit = count;
      let left = count;
      // Bounces off the stack: a driver that completes at once would recurse otherwise.
      const ready: BlockRequest[] = [];
      let inLoop = false;
      const pump = (): void => {
        inLoop = true;
        for (let request = ready.pop(); request !== undefined && toSubmit > 0; request = ready.pop()) {
          toSubmit -= 1;
          request.operation = (toSubmit & 1) === 0 ? "read" : "write";
          request.offset = (toSubmit & 255) * 4096;
          driver.submit(request);
        }
        inLoop = false;
        if (left === 0) resolve();
      };
      const complete = (request: BlockRequest): void => {
        left -= 1;
        ready.push(request);
        if (!inLoop) pump();
      };
      for (let slot = 0; slot < DEPTH; slot += 1) {
        ready.push(createRequest({ length: 4096, iov: [new Uint8Array(4096)], complete }));
      }
      pump();
    });
}

function throughClient(driver: BlockDriver): (count: number) => Promise<void> {
  const client = createBlockClient(driver);
  const buffers = Array.from({ length: DEPTH }, () => new Uint8Array(4096));
  return async (count) => {
    for (let left = count; left > 0; left -= DEPTH) {
      await Promise.all(
        buffers.map((buffer, slot) => {
          const offset = ((left + slot) & 255) * 4096;
          return (slot & 1) === 0 ? client.readInto(offset, buffer) : client.write(offset, buffer);
        }),
      );
    }
  };
}

const bytes = new Uint8Array(1024 * 1024);
const defined = defineDriver({
  name: "array",
  open: () => ({ size: bytes.length }),
  read: (offset, buffer) => buffer.set(bytes.subarray(offset, offset + buffer.length)),
  write: (offset, data) => bytes.set(data, offset),
});

const header = new DataView(new ArrayBuffer(16 * 256));
const COUNT = 32 * 30_000;
console.log(`Node ${process.versions.node}, ${DEPTH} in flight, median of ${ROUNDS} rounds\n\nBookkeeping alone`);
await measure("pooled request, shared completion callback", COUNT, pooledCallback);
await measure("fresh request, shared completion callback", COUNT, freshRequest);
await measure("closure per request", COUNT, closure);
await measure("promise per request", COUNT, promise);
await measure("one async layer", COUNT, asyncLayers(1));
await measure("three async layers", COUNT, asyncLayers(3));
console.log("\n4 KiB read or written");
const raw = await opened(createMemoryDriver({ size: bytes.length }));
await measure("raw driver in memory, pooled requests", COUNT / 4, throughDriver(raw));
await measure("the same behind createBlockClient", COUNT / 8, throughClient(raw));
await measure("defineDriver over an array, pooled requests", COUNT / 8, throughDriver(await opened(defined)));
console.log("\nOffset of a request from a header: read, add, compare, low bits");
await measure("bigint", COUNT, bigintOffsets);
await measure("number, from two 32-bit halves", COUNT, numberOffsets);

function bigintOffsets(count: number): void {
  let inside = 0;
  const size = 2n ** 40n;
  for (let i = 0; i < count; i += 1) {
    const offset = header.getBigUint64((i & 255) * 16) + BigInt(i);
    if (offset + 4096n <= size) inside += Number(offset & 4095n) & 1;
  }
  if (inside < 0) throw new Error("unreachable");
}

function numberOffsets(count: number): void {
  let inside = 0;
  const size = 2 ** 40;
  for (let i = 0; i < count; i += 1) {
    const at = (i & 255) * 16;
    const offset = header.getUint32(at) * 4294967296 + header.getUint32(at + 4) + i;
    if (offset + 4096 <= size) inside += (offset % 4096) & 1;
  }
  if (inside < 0) throw new Error("unreachable");
}
