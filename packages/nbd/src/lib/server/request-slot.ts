import { createRequest, type BlockError, type BlockExtent, type BlockRequest } from "@rehandle/driver-sdk";
import type { PooledBuffer } from "./buffer-pool.ts";

/** Who gets a slot's request back when the driver is done with it. */
export interface SlotOwner {
  finish(slot: RequestSlot, error: BlockError | null): void;
}

const NOTHING: Uint8Array = new Uint8Array(0);
/** The iov of every request without data. */
export const NO_IOV: Uint8Array[] = [];
/** The extents of every request that asks for none. */
const NO_EXTENTS: BlockExtent[] = [];

/** One client request on its way through the driver, with what its reply needs. Slots go round in a {@link SlotPool}. */
export interface RequestSlot {
  /** What the driver sees. Its `owner` is this slot. */
  readonly request: BlockRequest;
  /** The connection; set while the slot is in use. */
  owner: SlotOwner | null;
  /** Its index among the owner's requests in flight. */
  place: number;
  cookieHigh: number;
  cookieLow: number;
  /** NBD_CMD_*. */
  type: number;
  /** NBD_CMD_FLAG_*. */
  flags: number;
  /** The data of a read or write. */
  buffer: PooledBuffer | null;
  /** Bytes that count against the connection's bound: of the payload, or of the longest answer to a block status. */
  charge: number;
  /** FUA has to be made of a flush that is still to come. */
  flushAfter: boolean;
  /** The iov of a request with data; always one part. */
  readonly dataIov: Uint8Array[];
}

/** The one completion callback of all slots. */
function complete(request: BlockRequest, error: BlockError | null): void {
  const slot = request.owner as RequestSlot;
  slot.owner!.finish(slot, error);
}

function createSlot(): RequestSlot {
  const slot: RequestSlot = {
    request: createRequest({ complete, iov: NO_IOV, extents: NO_EXTENTS }),
    owner: null,
    place: 0,
    cookieHigh: 0,
    cookieLow: 0,
    type: 0,
    flags: 0,
    buffer: null,
    charge: 0,
    flushAfter: false,
    dataIov: [NOTHING],
  };
  slot.request.owner = slot;
  return slot;
}

/** Slots that are not in use; shared by all connections of a server. */
export class SlotPool {
  readonly #free: RequestSlot[] = [];
  readonly #most: number;

  /** @param most how many unused slots are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  take(): RequestSlot {
    return this.#free.pop() ?? createSlot();
  }

  /** Takes a slot back that the driver is done with. Its buffer is the caller's to give back. */
  give(slot: RequestSlot): void {
    slot.owner = null;
    slot.buffer = null;
    slot.dataIov[0] = NOTHING;
    slot.request.extents = NO_EXTENTS;
    if (this.#free.length < this.#most) this.#free.push(slot);
  }
}
