import type { DescriptorChain } from "./descriptor-chain.ts";

/** Where a device stands in a queue. Split ring: indexes run free modulo 65536 and the wraps are 1. */
export interface QueuePosition {
  /** The next entry to look at. Packed ring: 0 … size − 1. */
  readonly available: number;
  /** Packed ring: the wrap counter that goes with `available`. */
  readonly availableWrap: 0 | 1;
  /** The next entry to write: what was pushed counts from `publish` on. */
  readonly used: number;
  /** Packed ring: the wrap counter that goes with `used`. */
  readonly usedWrap: 0 | 1;
}

/** What a queue is made of; guest addresses are those that descriptors use too. */
export interface QueueSettings {
  /** Entries: a power of two up to 32768 for a split ring, 1 … 32768 for a packed one. */
  readonly size: number;
  /** Split ring: descriptor table, aligned to 16. Packed ring: descriptor ring, aligned to 16. */
  readonly descriptorArea: number;
  /** Split ring: available ring, aligned to 2. Packed ring: driver event suppression, aligned to 4. */
  readonly driverArea: number;
  /** Split ring: used ring, aligned to 4. Packed ring: device event suppression, aligned to 4. */
  readonly deviceArea: number;
  /**
   * Where to begin. Default: at the start, as after a reset. Split ring: `used` is not looked at but read from the used ring,
   * as vhost back ends do, because that is what the driver saw.
   */
  readonly position?: QueuePosition;
  /**
   * This queue's part of an inflight region (vhost-user's layout, zeroed when new; {@link inflightBytes} long at least, its
   * start aligned to 8). What it names as unfinished is popped before anything else, in the order in which it was popped
   * first. Once a queue has run on it the region tells where the device stands, and `position` is not looked at: whoever was
   * killed could not tell anybody. Default: none is kept.
   */
  readonly inflight?: Uint8Array;
  /** Split ring: where the dirty log has the used ring, if not at `deviceArea` (vhost's log_guest_addr). */
  readonly usedLogAddress?: number;
}

/**
 * What was negotiated of what concerns rings. There is no IN_ORDER: one request that is held would hold up the completion of
 * all that came after it.
 */
export interface VirtqueueFeatures {
  /** VIRTIO_F_RING_PACKED. Default false. */
  readonly packed?: boolean;
  /** VIRTIO_F_INDIRECT_DESC. Default false. */
  readonly indirect?: boolean;
  /** VIRTIO_F_EVENT_IDX. Default false. */
  readonly eventIdx?: boolean;
}

/** The device's side of a split or packed virtqueue (virtio 1.2, sections 2.7 and 2.8). */
export interface Virtqueue {
  /** Entries. */
  readonly size: number;
  /**
   * What the driver did that cannot be worked with, or null. Once it is set nothing more is popped, and nothing more is written
   * to the driver's memory. The device needs a reset then.
   */
  readonly fault: string | null;
  /** Where the device stands. */
  readonly position: QueuePosition;
  /** Chains that were popped and not pushed. Never more than `size`. */
  readonly inFlight: number;
  /** Fills `chain` with the next buffer. False: there is none, or `fault` is set. Never throws, whatever the driver wrote. */
  pop(chain: DescriptorChain): boolean;
  /**
   * Gives a buffer back with how many bytes were written into it (never more than were). Visible after `publish`.
   *
   * @throws VirtioError `invalid` if the chain is not one that this queue popped and that was not pushed yet.
   */
  push(chain: DescriptorChain, written: number): void;
  /**
   * Makes all that was pushed visible to the driver. True if the driver wants to be interrupted for it. With
   * EVENT_IDX always so for the first that is published after a start, because nobody knows what was signalled before.
   */
  publish(): boolean;
  /** Asks the driver not to kick. It may all the same. */
  disableKicks(): void;
  /** Asks the driver to kick for the next buffer. True: one came meanwhile, and there may be no kick for it. */
  enableKicks(): boolean;
  /**
   * Takes back that the chains were popped: they become the next available buffers again, so that another device that starts
   * at `position` finds them without an inflight region. Oldest first. What a start found in an inflight region and what was
   * not popped since goes back after them. Split rings only: false, and nothing happens, for a packed one or after a fault.
   * It writes to the available ring, which only the driver else does and none reads again; see decision 0006.
   */
  putBack(chains: readonly DescriptorChain[]): boolean;
}
