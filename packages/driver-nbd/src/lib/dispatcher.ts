import {
  BlockError,
  changesData,
  checkRequest,
  RequestFlag,
  type BlockRequest,
  type Clock,
  type DriverCapabilities,
  type Timer,
} from "@rehandle/driver-sdk";
import type { ConnectionGroup } from "./connection-group.ts";
import { requestCancelled, requestLost } from "./nbd-errors.ts";
import { PendingPool, PendingRequest, WaitingList } from "./pending-request.ts";

/** What a {@link Dispatcher} needs. */
export interface DispatcherOptions {
  readonly clock: Clock;
  /** A layer above holds failed requests and sends them again. */
  readonly isHeld: () => boolean;
  /** How long requests wait for a lost connection, ms. Without meaning if `isHeld`. */
  readonly reconnectDelayMs: number;
  /** The submitter gave up on a request that the present group has, or that found no room on it. */
  readonly onSilence: () => void;
}

/** A discard or write-zeroes that is longer goes out as several commands: NBD's length has 32 bits. */
const MAX_PIECE = 2 ** 30;
/** So many requests of a batch go to one of several connections before another is looked for. */
const BATCH_SHARE = 32;

/** Brings requests to connections and their results back, and knows what becomes of them while there is no connection. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #waiting = new WaitingList();
  readonly #pool = new PendingPool();
  #capabilities: DriverCapabilities;
  #group: ConnectionGroup | null;
  /** Why there is no group. */
  #loss: BlockError | null = null;
  /** Requests do not wait for a group. */
  #failFast = false;
  #delay: Timer | null = null;
  #closing = false;
  #scheduled = false;
  #onIdle: (() => void) | null = null;
  readonly #flush = (): void => this.#sendWaiting();

  constructor(options: DispatcherOptions, capabilities: DriverCapabilities, group: ConnectionGroup) {
    this.#options = options;
    this.#capabilities = capabilities;
    this.#group = group;
  }

  setCapabilities(capabilities: DriverCapabilities): void {
    this.#capabilities = capabilities;
  }

  submit(request: BlockRequest): void {
    const refused = checkRequest(this.#capabilities, request);
    if (refused !== null) {
      request.complete(request, refused);
    } else if (this.#closing) {
      request.complete(request, requestCancelled(request, "the driver is closed"));
    } else if (this.#group === null && this.#failFast) {
      request.complete(request, requestLost(request, this.#loss!));
    } else if (this.#isNothing(request)) {
      request.complete(request, null);
    } else {
      const pending = this.#pool.take(request);
      const { operation, offset, length } = request;
      const limit = operation === "read" || operation === "write" ? length : MAX_PIECE;
      pending.offset = operation === "flush" ? 0 : offset;
      pending.length = operation === "flush" ? 0 : Math.min(length, limit);
      // A block status may answer less than it was asked.
      pending.remaining = changesData(operation) ? length - pending.length : 0;
      this.#waiting.push(pending);
      this.schedule();
    }
  }

  /** Sends what waits once the present run of the program is over, so that all of it goes out together. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#flush);
  }

  /** See `BlockDriver.abandon`. */
  abandon(request: BlockRequest): boolean {
    const pending = request.driverState;
    if (!(pending instanceof PendingRequest) || pending.request !== request) return false;
    pending.abandoned = true;
    if (pending.place === "waiting") {
      this.#waiting.remove(pending);
      pending.place = "over";
      queueMicrotask(() => this.#complete(pending, requestCancelled(request, "abandoned before it was sent")));
      this.#options.onSilence();
      return true;
    }
    const connection = pending.connection!;
    const isOver = pending.place === "over";
    pending.detached = isOver || connection.hasTaken(pending);
    if (!isOver && connection.state === "active") this.#options.onSilence();
    return pending.detached;
  }

  connected(group: ConnectionGroup): void {
    this.#group = group;
    this.#loss = null;
    this.#failFast = false;
    this.#delay?.cancel();
    this.#delay = null;
    this.schedule();
  }

  disconnected(loss: BlockError): void {
    const { isHeld, reconnectDelayMs, clock } = this.#options;
    this.#group = null;
    this.#loss = loss;
    if (this.#closing) return;
    if (isHeld() || reconnectDelayMs === 0) this.#stopWaiting();
    else this.#delay = clock.setTimer(reconnectDelayMs, () => this.#stopWaiting());
  }

  /** The server answered these. `isStale`: on a connection that has been replaced by now. */
  answered(answered: readonly PendingRequest[], isStale: boolean): void {
    for (const pending of answered) {
      const { error } = pending;
      if (error === null && isStale && this.#options.isHeld() && isUnstable(pending.request!)) {
        this.#complete(pending, staleSuccess(pending.request!));
      } else if (error === null && pending.remaining > 0) this.#continue(pending);
      else this.#complete(pending, error);
    }
    // There is room again.
    if (this.#waiting.first !== null) this.schedule();
  }

  /** The connection of these ended without an answer. */
  unanswered(unanswered: readonly PendingRequest[], loss: BlockError): void {
    const { isHeld, reconnectDelayMs } = this.#options;
    const resend = !isHeld() && reconnectDelayMs > 0;
    for (const pending of unanswered) {
      pending.place = "over";
      if (resend && !pending.abandoned) this.#again(pending, loss);
      else this.#complete(pending, requestLost(pending.request!, loss));
    }
  }

  /** Takes no more requests and gives those back that were not sent. `onIdle` is called once when none is left. */
  close(onIdle: () => void): void {
    this.#closing = true;
    this.#delay?.cancel();
    for (let first = this.#waiting.first; first !== null; first = this.#waiting.first) {
      this.#waiting.remove(first);
      this.#complete(first, requestCancelled(first.request!, "the driver is closed"));
    }
    this.#onIdle = onIdle;
    if (this.#pool.inUse === 0) onIdle();
  }

  /** Gives up on requests that were sent. */
  cancel(unanswered: readonly PendingRequest[]): void {
    for (const pending of unanswered) {
      this.#complete(pending, requestCancelled(pending.request!, "the driver was closed before an answer came"));
    }
  }

  /** True for what needs no command: a flush where there is nothing to flush, and data of no length. */
  #isNothing(request: BlockRequest): boolean {
    return request.operation === "flush" ? !this.#capabilities.flush : request.length === 0;
  }

  #sendWaiting(): void {
    this.#scheduled = false;
    const group = this.#group;
    if (group === null) return;
    const limit = group.connections.length === 1 ? Infinity : BATCH_SHARE;
    let connection = group.pick();
    let share = 0;
    for (let first = this.#waiting.first; first !== null && connection !== null; first = this.#waiting.first) {
      if (share === limit || !connection.hasRoom || !connection.fits(first)) {
        connection.send();
        connection = group.pick();
        share = 0;
        continue;
      }
      this.#waiting.remove(first);
      connection.add(first);
      share += 1;
    }
    connection?.send();
  }

  /** A piece of a long request is done: on to the next. */
  #continue(pending: PendingRequest): void {
    pending.offset += pending.length;
    pending.length = Math.min(pending.remaining, MAX_PIECE);
    pending.remaining -= pending.length;
    const loss = this.#loss ?? new BlockError("its connection was given up half-way", { code: "ECONNRESET" });
    // Where somebody sends it again, all of it belongs on connections of one generation: a flush covers only those.
    const isDivided = this.#options.isHeld() && pending.connection!.state !== "active";
    if (pending.abandoned || isDivided) this.#complete(pending, requestLost(pending.request!, loss));
    else this.#again(pending, loss);
  }

  /** Sends a request (again), now or when there is a group. */
  #again(pending: PendingRequest, loss: BlockError): void {
    if (this.#closing) {
      this.#complete(pending, requestCancelled(pending.request!, "the driver is closed"));
    } else if (this.#group === null && this.#failFast) {
      this.#complete(pending, requestLost(pending.request!, loss));
    } else {
      pending.resetAnswer();
      pending.connection = null;
      this.#waiting.insert(pending);
      this.schedule();
    }
  }

  #stopWaiting(): void {
    this.#delay = null;
    this.#failFast = true;
    const loss = this.#loss!;
    for (let first = this.#waiting.first; first !== null; first = this.#waiting.first) {
      this.#waiting.remove(first);
      this.#complete(first, requestLost(first.request!, loss));
    }
  }

  #complete(pending: PendingRequest, error: BlockError | null): void {
    const request = this.#pool.release(pending);
    request.complete(request, error);
    if (this.#onIdle !== null && this.#pool.inUse === 0) {
      const onIdle = this.#onIdle;
      this.#onIdle = null;
      onIdle();
    }
  }
}

/** True for what a later flush must cover. */
function isUnstable(request: BlockRequest): boolean {
  return changesData(request.operation) && (request.flags & RequestFlag.FUA) === 0;
}

/** A write that an older connection answered late: nothing promises that a flush on the present one covers it. */
function staleSuccess(request: BlockRequest): BlockError {
  const why = "answered on a connection that has been replaced, so that no later flush need cover it";
  return requestCancelled(request, why, "ESTALE");
}
