/**
 * What the rings cost: ns for each chain that is popped, pushed and published, 32 at a time, without the driver's part; and the
 * same with the chain's parts translated to views. Run: node --conditions=@rehandle/source packages/virtio-blk/bench/virtqueue-walk.ts
 */
import { createVirtqueue, DescriptorChain, inflightBytes, type QueueSettings } from "../src/index.ts";
import { createDriverQueue, createTestMemory, type DriverBuffer, driverQueueBytes } from "../src/testing/index.ts";

const BATCH = 32;
const SIZE = 256;
const BATCHES = 20_000;
const ROUNDS = 7;

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

console.log("form".padEnd(28), "ns a chain", "translated too".padStart(15));
for (const form of forms) {
  const [plain, translated] = [bestOf(form, false), bestOf(form, true)];
  console.log(form.name.padEnd(28), plain.toFixed(0).padStart(10), translated.toFixed(0).padStart(15));
}

function bestOf(form: Form, translate: boolean): number {
  const run = prepare(form, translate);
  run(2000);
  let ns = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) ns = Math.min(ns, (run(BATCHES) * 1e6) / (BATCHES * BATCH));
  return ns;
}

/** Returns what runs so many batches and says how many ms the device's part took. */
function prepare(form: Form, translate: boolean): (batches: number) => number {
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
  return (batches) => {
    let spent = 0;
    for (let batch = 0; batch < batches; batch++) {
      for (const request of requests) driver.add(request, form.direct);
      driver.publish();
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
      spent += performance.now() - start;
      while (driver.collect() !== null) continue;
    }
    return spent;
  };
}
