import type { BlockError, BlockRequest } from "@rehandle/driver-sdk";
import type { Connection } from "./connection.ts";
import { ReadCoverage } from "./read-coverage.ts";

/**
 * Where a request is: `free`: in the pool; `waiting`: in the driver's queue, nothing of it was sent; `sent`: on a
 * connection, and not over before an answer or the end of that connection; `over`: about to be completed.
 */
export type Place = "free" | "waiting" | "sent" | "over";

/** What the driver knows of one request; pooled. `BlockRequest.driverState` points to it. */
export class PendingRequest {
  /** Null only in the pool. */
  request: BlockRequest | null = null;
  place: Place = "free";
  /** Links of the list that it is in. */
  next: PendingRequest | null = null;
  previous: PendingRequest | null = null;
  /** Order of submission. */
  serial = 0;
  /** The piece that is to be sent or was sent: a long discard takes several commands. Bytes. */
  offset = 0;
  length = 0;
  /** Bytes after that piece. */
  remaining = 0;
  connection: Connection | null = null;
  slot = 0;
  /** The number of the channel write that carries the payload by reference; 0 if it was copied. */
  payloadWrite = 0;
  /** The submitter has given up on it. */
  abandoned = false;
  /** The submitter has its buffers back. */
  detached = false;
  /** The first error that the server answered. */
  error: BlockError | null = null;
  /** Block status: the extents of the context have come. */
  extentsSeen = false;
  readonly coverage: ReadCoverage = new ReadCoverage();

  /** Forgets what an attempt has brought so far. */
  resetAnswer(): void {
    this.error = null;
    this.extentsSeen = false;
    this.payloadWrite = 0;
    this.coverage.reset();
  }
}

/** A pool that grows to the most requests that were ever in flight, and a counter of submissions. */
export class PendingPool {
  #free: PendingRequest[] = [];
  #serial = 0;
  #inUse = 0;

  /** How many requests the driver has. */
  get inUse(): number {
    return this.#inUse;
  }

  take(request: BlockRequest): PendingRequest {
    const pending = this.#free.pop() ?? new PendingRequest();
    this.#inUse += 1;
    pending.request = request;
    pending.serial = this.#serial;
    this.#serial += 1;
    pending.abandoned = false;
    pending.detached = false;
    pending.resetAnswer();
    request.driverState = pending;
    return pending;
  }

  /** Gives it back and returns the request that it stood for. */
  release(pending: PendingRequest): BlockRequest {
    const request = pending.request!;
    pending.request = null;
    pending.place = "free";
    pending.connection = null;
    this.#free.push(pending);
    this.#inUse -= 1;
    request.driverState = null;
    return request;
  }
}

/** A list of waiting requests, first in, first out; any of them can leave it at any time. */
export class WaitingList {
  first: PendingRequest | null = null;
  #last: PendingRequest | null = null;

  /** Adds at the end. */
  push(pending: PendingRequest): void {
    this.#insertAfter(this.#last, pending);
  }

  /** Adds where its serial number belongs: a request that is sent again goes before those that came later. */
  insert(pending: PendingRequest): void {
    let before: PendingRequest | null = null;
    // From the front, because that is where such a request belongs.
    for (let at = this.first; at !== null && at.serial < pending.serial; at = at.next) before = at;
    this.#insertAfter(before, pending);
  }

  remove(pending: PendingRequest): void {
    if (pending.previous === null) this.first = pending.next;
    else pending.previous.next = pending.next;
    if (pending.next === null) this.#last = pending.previous;
    else pending.next.previous = pending.previous;
    pending.next = null;
    pending.previous = null;
  }

  #insertAfter(before: PendingRequest | null, pending: PendingRequest): void {
    const next = before === null ? this.first : before.next;
    pending.place = "waiting";
    pending.previous = before;
    pending.next = next;
    if (before === null) this.first = pending;
    else before.next = pending;
    if (next === null) this.#last = pending;
    else next.previous = pending;
  }
}
