/**
 * What the engine costs when nothing fails: ns of CPU time and bytes per request, a bare driver against the same driver below a
 * BlockBackend, in turns. Run: node --expose-gc --conditions=@rehandle/source packages/core/bench/engine-cost.ts
 */
import {
  createRandom,
  createRequest,
  createSystemClock,
  defineCapabilities,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
} from "@rehandle/driver-sdk";

import { createBlockBackend } from "../src/index.ts";

const DEPTH = 32;
const REQUESTS = 200_000;
const ROUNDS = 7;

/** Takes a batch and completes it at the end, as a driver does that answers what one socket read brought. */
class BatchDriver implements BlockDriver {
  readonly driverName = "batch";
  readonly capabilities: DriverCapabilities;
  readonly #batch: BlockRequest[] = [];

  constructor(instance: DriverCapabilities["instance"]) {
    this.capabilities = defineCapabilities({ size: 2 ** 40, flush: true, fua: true, instance });
  }

  open(): Promise<DriverCapabilities> {
    return Promise.resolve(this.capabilities);
  }

  submit(request: BlockRequest): void {
    this.#batch.push(request);
  }

  completeAll(): void {
    // A completion may bring a further request, such as the engine's own flush.
    for (let at = 0; at < this.#batch.length; at += 1) this.#batch[at]!.complete(this.#batch[at]!, null);
    this.#batch.length = 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Subject {
  readonly name: string;
  readonly driver: BlockDriver;
  readonly bottom: BatchDriver;
  readonly operation: "read" | "write";
}

async function createSubject(
  name: string,
  operation: "read" | "write",
  build: (bottom: BatchDriver) => BlockDriver,
  instance: DriverCapabilities["instance"] = "fixed",
): Promise<Subject> {
  const bottom = new BatchDriver(instance);
  const driver = build(bottom);
  await driver.open({ clock: createSystemClock(), random: createRandom(1), onEvent: () => undefined, held: false });
  return { name, driver, bottom, operation };
}

/** Sends batches of requests and has them completed. It lives as long as its subject, so that it is compiled only once. */
class Load {
  completed = 0;
  #offset = 0;
  readonly #subject: Subject;
  readonly #requests: BlockRequest[];

  constructor(subject: Subject) {
    this.#subject = subject;
    const complete = (): void => {
      this.completed += 1;
    };
    const iov = [new Uint8Array(4096)];
    const { operation } = subject;
    this.#requests = Array.from({ length: DEPTH }, () => createRequest({ operation, length: 4096, iov, complete }));
  }

  batch(): void {
    const { driver, bottom } = this.#subject;
    for (const request of this.#requests) {
      this.#offset = (this.#offset + 1_052_672) % 2 ** 39;
      request.offset = this.#offset;
      driver.submit(request);
    }
    bottom.completeAll();
  }
}

/** ns and bytes of heap per request. */
function measure(load: Load): { ns: number; bytes: number } {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const before = process.memoryUsage().heapUsed;
  load.completed = 0;
  const start = process.cpuUsage();
  while (load.completed < REQUESTS) load.batch();
  const { user, system } = process.cpuUsage(start);
  const ns = ((user + system) * 1000) / load.completed;
  return { ns, bytes: (process.memoryUsage().heapUsed - before) / load.completed };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const subjects = [
  await createSubject("bare driver, 4k read", "read", (bottom) => bottom),
  await createSubject("I/O hang on, 4k read", "read", (bottom) => createBlockBackend(bottom)),
  await createSubject("I/O hang off, 4k read", "read", (bottom) => createBlockBackend(bottom, { iohangTimeout: 0 })),
  await createSubject("I/O hang and request timeout on, 4k read", "read", (bottom) =>
    createBlockBackend(bottom, { requestTimeout: 30_000 }),
  ),
  await createSubject("bare driver, 4k write", "write", (bottom) => bottom),
  await createSubject("I/O hang on, 4k write", "write", (bottom) => createBlockBackend(bottom)),
  await createSubject(
    "I/O hang and replay log on, 4k write",
    "write",
    (bottom) => createBlockBackend(bottom),
    "unknown",
  ),
];
const loads = subjects.map((subject) => new Load(subject));
const results = subjects.map(() => ({ ns: [] as number[], bytes: [] as number[] }));
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [at, load] of loads.entries()) {
    const { ns, bytes } = measure(load);
    // The first round warms up.
    if (round === 0) continue;
    results[at]!.ns.push(ns);
    results[at]!.bytes.push(bytes);
  }
}
console.log(`${REQUESTS} requests, ${DEPTH} in flight, median of ${ROUNDS} rounds in turns`);
for (const [at, { name }] of subjects.entries()) {
  const { ns, bytes } = results[at]!;
  console.log(
    `${name.padEnd(42)} ${median(ns).toFixed(1).padStart(7)} ns  ${Math.max(0, median(bytes)).toFixed(2).padStart(6)} bytes of heap`,
  );
}
for (const { bottom, driver } of subjects) await (driver === bottom ? bottom.close() : driver.close());
