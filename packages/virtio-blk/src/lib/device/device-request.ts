import { createRequest, type BlockError, type BlockRequest } from "@rehandle/driver-sdk";

import { DescriptorChain } from "../ring/descriptor-chain.ts";
import { RangeRecords } from "./range-records.ts";

/**
 * Where a request is. `IDLE`: in the pool. `ACTIVE`: the device looks at it. `SENDING`: `submit` was called and has not
 * returned. `IN_FLIGHT`: the driver has it. `WAITING`: for a fence, or for the next turn. `DROPPED`: given up, never used
 * again: whoever still knows it sees that it is over. Numbers, as each request goes through four of them.
 */
export const RequestState = { IDLE: 0, ACTIVE: 1, SENDING: 2, IN_FLIGHT: 3, WAITING: 4, DROPPED: 5 } as const;

/** One of {@link RequestState}. */
export type RequestStateValue = (typeof RequestState)[keyof typeof RequestState];

const { IDLE, ACTIVE, SENDING, IN_FLIGHT, WAITING, DROPPED } = RequestState;

/** What may follow what, by state; as bits. Anything else is a defect of the device, and throws. */
const NEXT_STATES: readonly number[] = [
  [IDLE, [ACTIVE]] as const,
  [ACTIVE, [SENDING, WAITING, IDLE, DROPPED]] as const,
  [SENDING, [ACTIVE, IN_FLIGHT, DROPPED]] as const,
  [IN_FLIGHT, [ACTIVE, DROPPED]] as const,
  [WAITING, [ACTIVE, DROPPED]] as const,
  [DROPPED, []] as const,
].map(([, next]) => next.reduce((bits: number, state) => bits | (1 << state), 0));

/** What is done for a request. `ranges`: DISCARD and WRITE_ZEROES. */
export type RequestKind = "none" | "read" | "write" | "flush" | "discard" | "write-zeroes";

/** Who popped a request, and has to be told what became of it. */
export interface RequestOwner {
  /** @param status one of VirtioBlkStatus. */
  onFinished(request: DeviceRequest, status: number): void;
}

/** One request of the guest inside the device. Pooled. It is carried out in steps, one block request after the other. */
export class DeviceRequest {
  #state: RequestStateValue = IDLE;
  readonly chain: DescriptorChain = new DescriptorChain();
  readonly ranges: RangeRecords = new RangeRecords();
  owner: RequestOwner | null = null;
  /** Neighbours among those that the queue popped and did not push, oldest first. */
  prev: DeviceRequest | null = null;
  next: DeviceRequest | null = null;
  kind: RequestKind = "none";
  /** Byte offset of IN and OUT. */
  offset = 0;
  /** Data bytes of IN and OUT. */
  length = 0;
  /** The data in guest memory. */
  iov: Uint8Array[] = [];
  /** It must be stable before it completes. */
  stable = false;
  /** Data bytes that are done. */
  done = 0;
  /** Ranges that are done. */
  rangesDone = 0;
  /** The flush at the end is done. */
  flushed = false;
  /** Bytes that were written into guest memory, counted from the first writable one. */
  written = 0;
  /** The step that is being done. */
  readonly block: BlockRequest;
  /** The error of a step that ended within `submit`. */
  failed: BlockError | null = null;
  /** The device's copy of a step's data, unless it goes straight to guest memory. */
  bounce: Uint8Array | null = null;
  /** The next one that waits for the same fence. */
  nextWaiter: DeviceRequest | null = null;

  constructor(complete: BlockRequest["complete"]) {
    this.block = createRequest({ complete });
    this.block.owner = this;
  }

  get state(): RequestStateValue {
    return this.#state;
  }

  moveTo(state: RequestStateValue): void {
    if (((NEXT_STATES[this.#state]! >> state) & 1) === 0) {
      throw new Error(`a request of a virtio block device cannot go from ${this.#state} to ${state}`);
    }
    this.#state = state;
  }

  /** Forgets the last use, above all its views of guest memory. */
  clear(): void {
    this.owner = null;
    this.kind = "none";
    // Not by its length, for that would give the array's memory away with every request.
    while (this.iov.length > 0) this.iov.pop();
    this.block.iov = this.iov;
    this.stable = false;
    this.done = 0;
    this.rangesDone = 0;
    this.flushed = false;
    this.written = 0;
    this.failed = null;
    this.bounce = null;
    this.nextWaiter = null;
  }
}
