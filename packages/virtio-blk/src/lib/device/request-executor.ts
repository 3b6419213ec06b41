import {
  copyFromIov,
  copyToIov,
  RequestFlag,
  sliceIov,
  type BlockDriver,
  type BlockError,
  type BlockRequest,
  type DriverCapabilities,
} from "@rehandle/driver-sdk";

import { BounceBuffers } from "./bounce-buffers.ts";
import { DeviceRequest, RequestState } from "./device-request.ts";
import { GivenUp, GivenUpRequests } from "./given-up-requests.ts";
import { VirtioBlkStatus } from "./request-type.ts";

/** Requests that are kept for later beyond what is in use. */
const POOL_SIZE = 4096;

/** Steps of one request that may end within `submit`, one after the other, before others get their turn. */
const STEPS_AT_ONCE = 32;

/** The same in bytes of data. */
const BYTES_AT_ONCE = 8 * 1024 * 1024;

/** Longest step where data is copied, bytes. */
const LONGEST_COPY = 1024 * 1024;

/** Most bytes that the device's copies of data may take before nothing more is popped. */
const MOST_BOUNCED = 64 * 1024 * 1024;

/**
 * Most requests that were given up and did not come to their end before nothing more is popped: a guest that resets its
 * device over and over while the storage is away must not fill the host's memory.
 */
const MOST_GIVEN_UP = 16384;

/** What the executor needs of the device. */
export interface ExecutorHost {
  /** Calls `runDeferred` soon, but not before others had their turn. */
  yieldTurn(): void;
  /** Something that was given up came to its end: more may be popped. */
  schedule(): void;
}

/** Carries requests out: their steps to the driver, one after the other, and what becomes of those that are given up. */
export class RequestExecutor {
  readonly #driver: BlockDriver;
  readonly #host: ExecutorHost;
  readonly #bounces: BounceBuffers | null;
  readonly #givenUp: GivenUpRequests = new GivenUpRequests((request) => this.#resume(request));
  readonly #pool: DeviceRequest[] = [];
  #deferred: DeviceRequest[] = [];
  #capabilities: DriverCapabilities;
  #longestStep = 0;

  constructor(driver: BlockDriver, dataPath: "direct" | "copy", host: ExecutorHost) {
    this.#driver = driver;
    this.#host = host;
    this.#bounces = dataPath === "copy" ? new BounceBuffers() : null;
    this.#capabilities = driver.capabilities;
    this.refresh();
  }

  /** The driver's capabilities may have changed. */
  refresh(): void {
    this.#capabilities = this.#driver.capabilities;
    const { maxTransfer, requestAlignment } = this.#capabilities;
    const longest =
      this.#bounces === null ? maxTransfer : Math.max(requestAlignment, Math.min(maxTransfer, LONGEST_COPY));
    this.#longestStep = longest - (longest % requestAlignment);
  }

  /** False while more is on its way than may be. */
  get takesMore(): boolean {
    return this.#givenUp.count < MOST_GIVEN_UP && (this.#bounces === null || this.#bounces.taken < MOST_BOUNCED);
  }

  get givenUp(): GivenUpRequests {
    return this.#givenUp;
  }

  /** True if the driver reads and writes guest memory itself. */
  get isDirect(): boolean {
    return this.#bounces === null;
  }

  /** An idle request to be filled and started. */
  take(): DeviceRequest {
    return this.#pool.pop() ?? new DeviceRequest(this.#onComplete);
  }

  /** Takes a request back that was not started or that has finished. */
  put(request: DeviceRequest): void {
    request.clear();
    if (this.#pool.length < POOL_SIZE) this.#pool.push(request);
  }

  /** Carries out an active request. Its owner may hear of the end from within. */
  start(request: DeviceRequest): void {
    this.#advance(request, true);
  }

  /** Goes on with the requests that had taken enough of an earlier turn. */
  runDeferred(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const request of deferred) if (request.state === RequestState.WAITING) this.#resume(request);
  }

  /**
   * Takes a request out of the device, for ever: its owner hears nothing more of it, and guest memory and ring are left
   * alone by whatever still comes. What the driver has of it is returned, to be given to `abandon` when all that is given
   * up was taken out: to abandon one may end others.
   */
  drop(request: DeviceRequest): GivenUp | null {
    const isOut = request.state === RequestState.IN_FLIGHT || request.state === RequestState.SENDING;
    request.moveTo(RequestState.DROPPED);
    if (!isOut) return null;
    const { block } = request;
    const item = this.#givenUp.add(block, !this.isDirect);
    block.owner = item;
    return item;
  }

  /** Tells the driver that nobody waits for it. */
  abandon(item: GivenUp): void {
    if (!item.listed) return;
    const detached = this.#driver.abandon?.(item.block) ?? false;
    if (detached) item.detached = true;
  }

  #resume(request: DeviceRequest): void {
    request.moveTo(RequestState.ACTIVE);
    this.#advance(request, false);
  }

  /** A loop rather than a recursion: a driver that completes within `submit` may do so for a thousand steps. */
  #advance(request: DeviceRequest, mayHold: boolean): void {
    let bytes = 0;
    let checked = !mayHold;
    for (let steps = 0; this.#prepare(request); steps += 1) {
      if (!checked && this.#givenUp.holdsBack(request)) {
        request.moveTo(RequestState.WAITING);
        return;
      }
      checked = false;
      if (steps === STEPS_AT_ONCE || bytes >= BYTES_AT_ONCE) {
        request.moveTo(RequestState.WAITING);
        this.#deferred.push(request);
        this.#host.yieldTurn();
        return;
      }
      bytes += request.block.length;
      if (!this.#send(request)) return;
    }
    request.owner!.onFinished(request, VirtioBlkStatus.OK);
  }

  /** Puts the next step into the block request. False: there is none. */
  #prepare(request: DeviceRequest): boolean {
    switch (request.kind) {
      case "read":
      case "write":
        return this.#prepareTransfer(request);
      case "discard":
      case "write-zeroes":
        return this.#prepareRange(request);
      case "flush":
        return this.#prepareFlush(request);
      default:
        return false;
    }
  }

  #prepareTransfer(request: DeviceRequest): boolean {
    const { block, done, length } = request;
    const left = length - done;
    if (left === 0) return request.kind === "write" && this.#prepareFinalFlush(request);
    block.operation = request.kind === "read" ? "read" : "write";
    block.offset = request.offset + done;
    block.length = Math.min(left, this.#longestStep);
    block.flags = request.kind === "write" ? this.#stableFlag(request) : 0;
    return true;
  }

  #prepareRange(request: DeviceRequest): boolean {
    const { block, ranges, kind } = request;
    while (request.rangesDone < ranges.count && ranges.lengths[request.rangesDone] === 0) request.rangesDone += 1;
    if (request.rangesDone === ranges.count) return this.#prepareFinalFlush(request);
    block.operation = kind === "discard" ? "discard" : "write-zeroes";
    block.offset = ranges.offsets[request.rangesDone]!;
    block.length = ranges.lengths[request.rangesDone]!;
    block.flags = this.#stableFlag(request);
    if (ranges.unmap[request.rangesDone] === true) block.flags |= RequestFlag.MAY_UNMAP;
    return true;
  }

  #stableFlag(request: DeviceRequest): number {
    return request.stable && this.#capabilities.fua ? RequestFlag.FUA : 0;
  }

  /** Without FUA a write is made stable by a flush behind it. */
  #prepareFinalFlush(request: DeviceRequest): boolean {
    return request.stable && !this.#capabilities.fua && this.#prepareFlush(request);
  }

  #prepareFlush(request: DeviceRequest): boolean {
    const { block } = request;
    if (request.flushed || !this.#capabilities.flush) return false;
    block.operation = "flush";
    block.offset = 0;
    block.length = 0;
    block.flags = 0;
    return true;
  }

  /** Submits the step. True if it ended well, and the next may follow. */
  #send(request: DeviceRequest): boolean {
    this.#giveBuffers(request);
    request.moveTo(RequestState.SENDING);
    this.#driver.submit(request.block);
    if (request.state === RequestState.SENDING) {
      request.moveTo(RequestState.IN_FLIGHT);
      return false;
    }
    // It may have been dropped while it was being submitted.
    return request.state === RequestState.ACTIVE && this.#settle(request, request.failed);
  }

  #giveBuffers(request: DeviceRequest): void {
    const { block, done, iov, length } = request;
    if (block.operation !== "read" && block.operation !== "write") {
      if (block.iov.length > 0) block.iov = [];
    } else if (this.#bounces !== null) {
      const bounce = this.#bounces.take(block.length);
      request.bounce = bounce;
      if (block.operation === "write") copyFromIov(iov, bounce, done);
      block.iov = [bounce];
    } else {
      block.iov = block.length === length ? iov : sliceIov(iov, done, block.length);
    }
  }

  readonly #onComplete = (block: BlockRequest, error: BlockError | null): void => {
    const { owner } = block;
    if (owner instanceof GivenUp) {
      // Until now its copy of the data counted, for the driver may have kept it.
      for (const part of block.iov) this.#bounces?.forget(part);
      this.#givenUp.end(owner);
      this.#host.schedule();
      return;
    }
    const request = owner as DeviceRequest;
    if (request.state === RequestState.SENDING) {
      request.failed = error;
      request.moveTo(RequestState.ACTIVE);
      return;
    }
    request.moveTo(RequestState.ACTIVE);
    if (this.#settle(request, error)) this.#advance(request, true);
  };

  /** Accounts for a step that ended. False: the request failed, and was told so. */
  #settle(request: DeviceRequest, error: BlockError | null): boolean {
    const { block } = request;
    if (error !== null) {
      this.#onFailure(request);
      request.owner!.onFinished(request, statusOf(request, error));
      return false;
    }
    if (block.operation === "flush") request.flushed = true;
    else if (block.operation === "read" || block.operation === "write") this.#settleTransfer(request);
    else request.rangesDone += 1;
    return true;
  }

  #settleTransfer(request: DeviceRequest): void {
    const { block, bounce } = request;
    if (bounce !== null) {
      if (block.operation === "read") copyToIov(request.iov, bounce, request.done);
      this.#releaseBounce(request, bounce);
    }
    request.done += block.length;
    if (block.operation === "read") request.written = request.done;
  }

  #onFailure(request: DeviceRequest): void {
    const { block, bounce } = request;
    if (bounce !== null) this.#releaseBounce(request, bounce);
    // The driver may have brought a part: nobody may take it for data.
    else if (block.operation === "read") for (const part of block.iov) part.fill(0);
  }

  #releaseBounce(request: DeviceRequest, bounce: Uint8Array): void {
    request.bounce = null;
    this.#bounces?.put(bounce);
  }
}

function statusOf(request: DeviceRequest, error: BlockError): number {
  const mayBeUnsupported = request.kind === "discard" || request.kind === "write-zeroes";
  return mayBeUnsupported && error.errorClass === "unsupported" ? VirtioBlkStatus.UNSUPP : VirtioBlkStatus.IOERR;
}
