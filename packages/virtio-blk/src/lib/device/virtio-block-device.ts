import type { GuestMemory } from "../memory/guest-memory.ts";
import type { QueuePosition, QueueSettings } from "../ring/virtqueue.ts";

/** What a stopped queue leaves behind. */
export interface StoppedQueue {
  /** Where the next start has to begin. */
  readonly position: QueuePosition;
  /** Requests that were taken from the ring and not completed to the driver; what became of them, see `stopQueue`. */
  readonly unfinished: number;
}

/** A request that was given up while its driver still has the buffers: they lie in guest memory. */
export interface LingeringRequest {
  /** True if the driver may still write into `iov`, false if it may still read from it. */
  readonly writesMemory: boolean;
  /** The parts of guest memory. */
  readonly iov: readonly Uint8Array[];
}

/** How a queue is stopped. */
export interface StopOptions {
  /** How long requests that are with the driver may take to complete as usual, ms. Default 0. */
  readonly patience?: number;
  /**
   * Unfinished requests are put back into the available ring (split rings), so that whoever goes on with it, perhaps after a
   * migration, finds them. Otherwise they stay in the inflight region only. Default false.
   */
  readonly putBack?: boolean;
}

/**
 * A virtio block device (virtio 1.2, section 5.2) over a block driver, without a transport: whoever owns it wires kicks,
 * interrupts and configuration space to vhost-user, MMIO or PCI.
 */
export interface VirtioBlockDevice {
  /** What the device offers. */
  readonly offeredFeatures: bigint;
  /** What was negotiated; 0n before. */
  readonly features: bigint;
  /** Queues that it has. */
  readonly numQueues: number;
  /** Most entries of a queue. */
  readonly maxQueueSize: number;
  /** Device status as the driver reads it, NEEDS_RESET included. */
  readonly status: number;
  /** Grows when the configuration space changed. */
  readonly configGeneration: number;
  /** False: the driver accepted what was not offered, or what does not fit together; nothing is changed then. */
  negotiate(features: bigint): boolean;
  /** Bytes of configuration space; those beyond its end are 0xff. */
  readConfig(offset: number, length: number): Uint8Array;
  /** Writes to configuration space; all but `writeback` is ignored. */
  writeConfig(offset: number, bytes: Uint8Array): void;
  /** Where the queues and their buffers are. */
  readonly memory: GuestMemory;
  /**
   * Replaces the guest's memory.
   * @throws VirtioError `invalid` unless all queues are stopped.
   */
  setMemory(memory: GuestMemory): void;
  /**
   * Starts a queue, and looks in the next turn for what is available already. Features are those that were negotiated; none if
   * none were.
   * @throws VirtioError if the queue cannot be used as described, runs already, or the device needs a reset.
   */
  startQueue(index: number, settings: QueueSettings): void;
  /** True between startQueue and the call of stopQueue or reset. */
  isStarted(index: number): boolean;
  /** The driver made something available. Harmless for a queue that is not started or does not exist. */
  kick(index: number): void;
  /**
   * Stops a queue. Requests with the storage get `patience`; what is unfinished then is given up: it never completes to the
   * guest, and what of it may still land on the storage is fenced against later requests. It always resolves, without
   * patience at once: then all is done before the call returns. A queue that is being stopped is stopped sooner by a call with
   * less patience. With the last queue NEEDS_RESET ends too, as there are transports without a reset.
   */
  stopQueue(index: number, options?: StopOptions): Promise<StoppedQueue>;
  /** Device reset, at once: as stopQueue for all queues without patience, and features, status and writeback as at first. */
  reset(): void;
  /** Requests that were given up and whose buffers, in guest memory, the block driver did not let go of yet. */
  readonly lingering: readonly LingeringRequest[];
  /** The storage takes requests again, see `isCongested`. */
  resume(): void;
  /** To be called after the block driver sent `resized`: the guest is told of the new capacity. */
  onResized(): void;
}
