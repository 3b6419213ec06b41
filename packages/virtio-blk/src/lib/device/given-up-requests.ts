import { changesData, type BlockRequest } from "@rehandle/driver-sdk";

import { type DeviceRequest, RequestState } from "./device-request.ts";
import type { LingeringRequest } from "./virtio-block-device.ts";

/** A block request that was given up and has not come to its end: it may still land on the storage. */
export class GivenUp implements LingeringRequest {
  readonly block: BlockRequest;
  /** The range that it may still change, bytes; empty if it changes nothing. */
  readonly start: number;
  readonly end: number;
  /** The driver promised not to touch the buffers any more, or they are not the guest's. */
  detached: boolean;
  /** It is in the list. */
  listed = true;
  prev: GivenUp | null = null;
  next: GivenUp | null = null;
  firstWaiter: DeviceRequest | null = null;
  lastWaiter: DeviceRequest | null = null;

  constructor(block: BlockRequest, detached: boolean) {
    this.block = block;
    this.detached = detached;
    const changes = changesData(block.operation);
    this.start = changes ? block.offset : 0;
    this.end = changes ? block.offset + block.length : 0;
  }

  get writesMemory(): boolean {
    return this.block.operation === "read";
  }

  get iov(): readonly Uint8Array[] {
    return this.block.iov;
  }
}

/**
 * What was given up and may still land. A later request that touches a range which such a write, discard or write-zeroes may
 * still change waits until that came to its end: otherwise it could be undone, or read what then changes by itself.
 *
 * Only changes are fenced. A read that was given up changes nothing on the storage, and what it brings nobody looks at. A
 * flush is fenced against nothing and waits for nothing: it owes only what was completed before it, and what was given up
 * never completes, nor does what waits behind it.
 */
export class GivenUpRequests {
  #first: GivenUp | null = null;
  #last: GivenUp | null = null;
  #count = 0;
  readonly #onFree: (request: DeviceRequest) => void;

  /** @param onFree called for a request when the last fence that it waited for is gone. */
  constructor(onFree: (request: DeviceRequest) => void) {
    this.#onFree = onFree;
  }

  get count(): number {
    return this.#count;
  }

  /** Those whose buffers the driver may still touch. */
  lingering(): LingeringRequest[] {
    const found: LingeringRequest[] = [];
    for (let item = this.#first; item !== null; item = item.next) {
      if (!item.detached && item.iov.length > 0) found.push(item);
    }
    return found;
  }

  add(block: BlockRequest, detached: boolean): GivenUp {
    const item = new GivenUp(block, detached);
    item.prev = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#count += 1;
    return item;
  }

  /** True if the request's step has to wait; it is told when not any more. */
  holdsBack(request: DeviceRequest): boolean {
    return this.#first !== null && this.#wait(request, this.#first);
  }

  /** The driver is done with it. */
  end(item: GivenUp): void {
    if (!item.listed) return;
    item.listed = false;
    item.detached = true;
    this.#count -= 1;
    if (item.prev === null) this.#first = item.next;
    else item.prev.next = item.next;
    if (item.next === null) this.#last = item.prev;
    else item.next.prev = item.prev;
    let waiter = item.firstWaiter;
    const { next } = item;
    while (waiter !== null) {
      const { nextWaiter } = waiter;
      waiter.nextWaiter = null;
      // What is before this item did not overlap, so that each waiter walks the list once.
      if (waiter.state === RequestState.WAITING && (next === null || !this.#wait(waiter, next))) this.#onFree(waiter);
      waiter = nextWaiter;
    }
  }

  /** Looks for a fence from `from` on, and lines up there. */
  #wait(request: DeviceRequest, from: GivenUp): boolean {
    const { operation, offset, length } = request.block;
    if (operation === "flush") return false;
    for (let item: GivenUp | null = from; item !== null; item = item.next) {
      // Not listed: it ended while those that waited before it were being freed.
      if (!item.listed || item.start >= offset + length || offset >= item.end) continue;
      if (item.lastWaiter === null) item.firstWaiter = request;
      else item.lastWaiter.nextWaiter = request;
      item.lastWaiter = request;
      return true;
    }
    return false;
  }
}
