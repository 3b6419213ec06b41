/**
 * What the rings cost: ns and bytes of heap for each chain that is popped, pushed and published, 32 at a time, without the
 * driver's part; and the same with the chain's parts translated to views.
 * Run: node --expose-gc --conditions=@rehandle/source packages/virtio-blk/bench/virtqueue-walk.ts
 */
import { createVirtqueue, DescriptorChain, inflightBytes, type QueueSettings } from "../src/index.ts";
import { createDriverQueue, createTestMemory, type DriverBuffer, driverQueueBytes } from "../src/testing/index.ts";

const BATCH = 32;
const SIZE = 256;
const BATCHES = 6000;
const ROUNDS = 5;
/** Few enough for no collection to come between. */
const HEAP_BATCHES = 100;

interface Form {
  readonly name: string;
  readonly packed: boolean;
  readonly eventIdx: boolean;
  /** Buffers that are in the ring; 0: all in an indirect table. */
  readonly direct: number;
  readonly inflight: boolean;
}

const forms: Form[] = [];
for (const packed of [false, true]) {
  for (const direct of [3, 0]) {
    for (const inflight of [false, true]) {
      const name = `${packed ? "packed" : "split"} ${direct === 0 ? "indirect" : "direct"}${inflight ? " inflight" : ""}`;
      forms.push({ name, packed, eventIdx: true, direct, inflight });
    }
  }
}

weighNothing();
const WEIGHING = weighNothing();
console.log(`chains in batches of ${BATCH}, the least of ${ROUNDS} rounds`);
for (const form of forms) {
  for (const translate of [false, true]) {
    const { ns, bytes } = bestOf(form, translate);
    const name = `${form.name}${translate ? ", translated" : ""}`;
    console.log(`${name.padEnd(42)} ${ns.toFixed(1).padStart(7)} ns  ${bytes.toFixed(2).padStart(8)} bytes of heap`);
  }
}

function bestOf(form: Form, translate: boolean): { ns: number; bytes: number } {
  const run = prepare(form, translate);
  run(2000);
  let [ns, bytes] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    ns = Math.min(ns, (run(BATCHES).ms * 1e6) / (BATCHES * BATCH));
    const { gc } = globalThis as { gc?: () => void };
    gc?.();
    bytes = Math.min(bytes, run(HEAP_BATCHES, true).bytes / (HEAP_BATCHES * BATCH));
  }
  return { ns, bytes };
}

/** Bytes of heap that looking at the heap takes itself. */
function weighNothing(): number {
  const before = process.memoryUsage().heapUsed;
  return process.memoryUsage().heapUsed - before;
}

/** Returns what runs so many batches, and says how many ms and, if asked to, bytes of heap the device's part took. */
function prepare(form: Form, translate: boolean): (batches: number, weigh?: boolean) => { ms: number; bytes: number } {
  const { memory, allocate } = createTestMemory(4 << 20, { windowSize: 1 << 22 });
  const options = { size: SIZE, packed: form.packed, eventIdx: form.eventIdx, tableEntries: 3 };
  const driver = createDriverQueue(memory, { ...options, address: allocate(driverQueueBytes(options)) });
  const inflight = form.inflight ? new Uint8Array(inflightBytes(SIZE, form.packed)) : undefined;
  const settings: QueueSettings = inflight === undefined ? driver.settings : { ...driver.settings, inflight };
  const device = createVirtqueue(memory, settings, driver.features);
  const requests: DriverBuffer[][] = [];
  for (let i = 0; i < BATCH; i++) {
    requests.push([
      { address: allocate(16), length: 16, writable: false },
      { address: allocate(4096), length: 4096, writable: true },
      { address: allocate(1), length: 1, writable: true },
    ]);
  }
  const chains = Array.from({ length: BATCH }, () => new DescriptorChain());
  const iov: Uint8Array[] = [];
  return (batches, weigh = false) => {
    let [ms, bytes] = [0, 0];
    for (let batch = 0; batch < batches; batch++) {
      for (const request of requests) driver.add(request, form.direct);
      driver.publish();
      const before = weigh ? process.memoryUsage().heapUsed : 0;
      const start = performance.now();
      for (const chain of chains) {
        if (!device.pop(chain)) throw new Error(device.fault ?? "nothing to pop");
        if (translate) {
          iov.length = 0;
          for (let i = 0; i < chain.parts; i++) memory.translate(chain.addresses[i] ?? 0, chain.lengths[i] ?? 0, iov);
        }
      }
      for (const chain of chains) device.push(chain, 4097);
      device.publish();
      ms += performance.now() - start;
      if (weigh) bytes += Math.max(0, process.memoryUsage().heapUsed - before - WEIGHING);
      while (driver.collect() !== null) continue;
    }
    return { ms, bytes };
  };
}
