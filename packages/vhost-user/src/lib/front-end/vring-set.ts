import { VirtioFeature } from "@rehandle/virtio-blk";
import { createDriverQueue, driverQueueBytes, type DriverQueue } from "@rehandle/virtio-blk/testing";
import type { SystemCalls } from "../system-calls.ts";
import type { FrontEndMemory } from "./front-end-memory.ts";
import { Vring } from "./vring.ts";

/** Header, status and 30 parts of data: what Linux hardly ever goes over. */
const TABLE_ENTRIES = 32;

/** What vrings are made for. */
export interface VringSetOptions {
  readonly numQueues: number;
  /** Entries of each. */
  readonly queueSize: number;
  /** What was negotiated. */
  readonly features: bigint;
  readonly onFault: (index: number, error: unknown) => void;
}

/** Makes all vrings of a front end in its memory. @throws RangeError if that is full. */
export function createVrings(calls: SystemCalls, memory: FrontEndMemory, options: VringSetOptions): Vring[] {
  const { features, queueSize, numQueues, onFault } = options;
  const queueOptions = {
    size: queueSize,
    packed: (features & VirtioFeature.RING_PACKED) !== 0n,
    eventIdx: (features & VirtioFeature.EVENT_IDX) !== 0n,
    tableEntries: (features & VirtioFeature.INDIRECT_DESC) === 0n ? 0 : TABLE_ENTRIES,
  };
  const bytes = driverQueueBytes(queueOptions);
  return Array.from({ length: numQueues }, (_, index) => {
    const address = memory.allocate(bytes, 4096);
    const createQueue = (): DriverQueue => {
      memory.bytes(address, bytes).fill(0);
      return createDriverQueue(memory.guest, { ...queueOptions, address });
    };
    return new Vring(calls, index, createQueue, queueOptions.tableEntries, (error) => onFault(index, error));
  });
}

/** Where a back end has to go on that is started anew on the ring of a killed one; with an inflight region only. */
export function recoverBase(vring: Vring, memory: FrontEndMemory): void {
  const { settings, features } = vring.queue;
  // Of a packed ring the region alone knows.
  if (features.packed === true) return;
  const used = memory.bytes(settings.deviceArea, 4);
  vring.base = used[2]! | (used[3]! << 8);
}
