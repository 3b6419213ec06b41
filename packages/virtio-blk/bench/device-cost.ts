/**
 * What the device costs: ns and bytes of heap per 4 KiB request, from the kick to the interrupt, in batches of 32, over a driver
 * that completes from within submit and moves nothing, and over a disk in memory. The guest's own work is not counted.
 * Run: node --expose-gc --conditions=@rehandle/source packages/virtio-blk/bench/device-cost.ts
 */
import { createMemoryDriver } from "@rehandle/driver-memory";
import {
  createRandom,
  createSystemClock,
  defineCapabilities,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
} from "@rehandle/driver-sdk";

import { createVirtioBlockDevice, VirtioBlkRequestType, VirtioFeature, type VirtioBlockDevice } from "../src/index.ts";
import {
  createDriverQueue,
  createTestMemory,
  driverQueueBytes,
  type DriverBuffer,
  type DriverQueue,
} from "../src/testing/index.ts";

const BATCH = 32;
const BATCHES = 4000;
const ROUNDS = 7;
const SIZE = 64 * 1024 * 1024;

/** Completes at once, and leaves the data alone. */
class NullDriver implements BlockDriver {
  readonly driverName = "null";
  readonly capabilities: DriverCapabilities = defineCapabilities({ size: SIZE, flush: true });

  open(): Promise<DriverCapabilities> {
    return Promise.resolve(this.capabilities);
  }

  submit(request: BlockRequest): void {
    request.complete(request, null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Subject {
  readonly name: string;
  readonly device: VirtioBlockDevice;
  readonly queue: DriverQueue;
  readonly requests: readonly (readonly DriverBuffer[])[];
  readonly direct: number | undefined;
}

interface Choices {
  readonly type: number;
  readonly driver: BlockDriver;
  readonly packed?: boolean;
  readonly indirect?: boolean;
  readonly dataPath?: "direct" | "copy";
}

function createSubject(name: string, choices: Choices): Subject {
  const { type, driver, packed = false, indirect = false, dataPath = "direct" } = choices;
  const ring = { size: 128, packed, eventIdx: true, tableEntries: indirect ? 4 : 0 };
  const { memory, allocate } = createTestMemory(4 * 1024 * 1024);
  const queue = createDriverQueue(memory, { ...ring, address: allocate(driverQueueBytes(ring), 4096) });
  const device = createVirtioBlockDevice({
    driver,
    clock: createSystemClock(),
    memory,
    writable: true,
    dataPath,
    onInterrupt: () => {},
  });
  let features = VirtioFeature.VERSION_1 | VirtioFeature.EVENT_IDX | (device.offeredFeatures & 0xffffffn);
  if (packed) features |= VirtioFeature.RING_PACKED;
  if (indirect) features |= VirtioFeature.INDIRECT_DESC;
  if (!device.negotiate(features)) throw new Error("the features were refused");
  device.startQueue(0, queue.settings);
  const requests = Array.from({ length: BATCH }, (_, at) => {
    const header = allocate(16);
    const bytes = new DataView(new ArrayBuffer(16));
    bytes.setUint32(0, type, true);
    bytes.setUint32(8, at * 1000 * 8, true);
    memory.write(header, new Uint8Array(bytes.buffer));
    return [
      { address: header, length: 16, writable: false },
      { address: allocate(4096, 4096), length: 4096, writable: type === VirtioBlkRequestType.IN },
      { address: allocate(1), length: 1, writable: true },
    ];
  });
  return { name, device, queue, requests, direct: indirect ? 0 : undefined };
}

function measure({ device, queue, requests, direct }: Subject): { ns: number; bytes: number } {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  let [ns, bytes, done] = [0n, 0, 0];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    for (const buffers of requests) queue.add(buffers, direct);
    queue.publish();
    const heap = batch % 64 === 0 ? process.memoryUsage().heapUsed : 0;
    const start = process.hrtime.bigint();
    device.kick(0);
    ns += process.hrtime.bigint() - start;
    if (heap > 0) bytes += Math.max(0, process.memoryUsage().heapUsed - heap);
    while (queue.collect() !== null) done += 1;
    queue.enableInterrupts();
  }
  if (done !== BATCH * BATCHES) throw new Error(`${done} requests came back`);
  return { ns: Number(ns) / done, bytes: bytes / (done / 64) };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const { IN, OUT } = VirtioBlkRequestType;
const nothing = new NullDriver();
const disk = createMemoryDriver({ size: SIZE });
await disk.open({ clock: createSystemClock(), random: createRandom(1), onEvent: () => {}, held: false });
const subjects = [
  createSubject("null driver, read, split", { type: IN, driver: nothing }),
  createSubject("null driver, read, split, indirect", { type: IN, driver: nothing, indirect: true }),
  createSubject("null driver, read, packed", { type: IN, driver: nothing, packed: true }),
  createSubject("null driver, write, split", { type: OUT, driver: nothing }),
  createSubject("null driver, read, split, data copied", { type: IN, driver: nothing, dataPath: "copy" }),
  createSubject("memory, read, split", { type: IN, driver: disk }),
  createSubject("memory, write, split", { type: OUT, driver: disk }),
];
const results = subjects.map(() => ({ ns: [] as number[], bytes: [] as number[] }));
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [at, subject] of subjects.entries()) {
    const { ns, bytes } = measure(subject);
    // The first round warms up.
    if (round === 0) continue;
    results[at]!.ns.push(ns);
    results[at]!.bytes.push(bytes);
  }
}
console.log(`4 KiB requests in batches of ${BATCH}: the least ns and the median bytes of ${ROUNDS} rounds in turns`);
for (const [at, { name }] of subjects.entries()) {
  const { ns, bytes } = results[at]!;
  console.log(
    `${name.padEnd(42)} ${Math.min(...ns)
      .toFixed(1)
      .padStart(7)} ns  ${median(bytes).toFixed(2).padStart(8)} bytes of heap`,
  );
}
await disk.close();
