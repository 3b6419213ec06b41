import type { BlockDriver, Clock } from "@rehandle/driver-sdk";

import type { GuestMemory } from "../memory/guest-memory.ts";

/** What a virtio block device is made of. Functions that are given must not throw. */
export interface VirtioBlockOptions {
  /** The storage: an open driver. The device neither opens nor closes it, and keeps within its capabilities. */
  readonly driver: BlockDriver;
  /** The only time that the device uses. */
  readonly clock: Clock;
  /** The guest's memory. Default: none; `setMemory` gives it before the first queue starts. */
  readonly memory?: GuestMemory;
  /** The guest may write. Default false. Storage that is read-only stays so. */
  readonly writable?: boolean;
  /** What GET_ID answers: printable ASCII; only the first 20 characters count, as in QEMU. Default: empty. */
  readonly serial?: string;
  /**
   * Bytes, a power of two from 512 to 65536, not below the storage's `requestAlignment`: what positions and lengths of
   * requests have to be multiples of. Default: the larger of 512 and `requestAlignment`.
   */
  readonly logicalBlockSize?: number;
  /** Queues, 1 … 256. Default 1. */
  readonly numQueues?: number;
  /** Most entries of a queue, 1 … 32768. Default 1024, the most that QEMU's vhost-user-blk can be told to use. */
  readonly maxQueueSize?: number;
  /**
   * Most data segments of a request, 1 … 1022. Default 126, as QEMU's exports: a request then fits a queue of 128 entries,
   * which is QEMU's default, without indirect descriptors.
   */
  readonly segMax?: number;
  /**
   * Writes may complete before they are stable, and the driver flushes. False: each is stable when it completes. A driver
   * that negotiated CONFIG_WCE may change it. Default true.
   */
  readonly writeback?: boolean;
  /** Offer packed rings. Default true. */
  readonly packed?: boolean;
  /**
   * `direct`: the driver reads and writes guest memory itself. `copy`: the device copies, so that no driver that does not let
   * go of its buffers keeps guest memory after a reset; see `lingering`. Default `direct`.
   */
  readonly dataPath?: "direct" | "copy";
  /** True: the storage has enough to do; nothing is taken from the queues until `resume`. Asked for each request. */
  readonly isCongested?: () => boolean;
  /** The driver wants to be interrupted for this queue. */
  readonly onInterrupt: (queue: number) => void;
  /** The driver is to be told that the configuration changed, or that the device needs a reset. */
  readonly onConfigChange?: () => void;
  /** What was done on this queue cannot be worked with: the device needs a reset, and does nothing until then. */
  readonly onBroken?: (queue: number, reason: string) => void;
  /** Calls the function soon: at the end of what completions one batch brought. Default `queueMicrotask`. */
  readonly defer?: (callback: () => void) => void;
  /**
   * Calls the function soon, but after whatever else the event loop has to do: where a guest used up its share. On Node
   * `setImmediate`. Default: the clock's timer with 0 ms.
   */
  readonly yieldTurn?: (callback: () => void) => void;
}

/** Options with defaults filled in. */
export type ResolvedOptions = Required<Omit<VirtioBlockOptions, "memory">>;

/** The part of the host that is used by default; declared here so that neither Node's nor the DOM's types are needed. */
interface Host {
  queueMicrotask(callback: () => void): void;
}

/** @throws RangeError for an option that is out of range. */
export function resolveOptions(options: VirtioBlockOptions): ResolvedOptions {
  const { driver, clock } = options;
  const { requestAlignment } = driver.capabilities;
  const resolved: ResolvedOptions = {
    writable: false,
    serial: "",
    logicalBlockSize: Math.max(512, requestAlignment),
    numQueues: 1,
    maxQueueSize: 1024,
    segMax: 126,
    writeback: true,
    packed: true,
    dataPath: "direct",
    isCongested: () => false,
    onConfigChange: () => {},
    onBroken: () => {},
    defer: (callback) => (globalThis as unknown as Host).queueMicrotask(callback),
    yieldTurn: (callback) => void clock.setTimer(0, callback),
    ...withoutUndefined(options),
  };
  const { logicalBlockSize } = resolved;
  requireRange("logicalBlockSize", logicalBlockSize, 512, 65536);
  if (!Number.isInteger(Math.log2(logicalBlockSize))) {
    throw new RangeError(`logicalBlockSize must be a power of two, not ${logicalBlockSize}`);
  }
  if (logicalBlockSize < requestAlignment) {
    throw new RangeError(`logicalBlockSize must not be below the storage's request alignment of ${requestAlignment}`);
  }
  requireRange("numQueues", resolved.numQueues, 1, 256);
  requireRange("maxQueueSize", resolved.maxQueueSize, 1, 32768);
  requireRange("segMax", resolved.segMax, 1, 1022);
  return resolved;
}

/** An option that is there and undefined counts as not given. */
function withoutUndefined(options: VirtioBlockOptions): VirtioBlockOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as VirtioBlockOptions;
}

function requireRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`);
}
