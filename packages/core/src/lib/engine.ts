import {
  type BlockError,
  changesData,
  checkRequest,
  RequestFlag,
  type BlockDriver,
  type BlockRequest,
  type Clock,
} from "@rehandle/driver-sdk";

import { Attempt } from "./attempt.ts";
import { BehindHeld } from "./behind-held.ts";
import { Drain } from "./drain.ts";
import type { EngineParts } from "./engine-parts.ts";
import type { BackendEvent } from "./events.ts";
import { Gate } from "./gate.ts";
import { HangStatus, type Outage } from "./hang-status.ts";
import { HoldLedger } from "./hold-ledger.ts";
import { backendClosed, mayBeLost, unreachable } from "./hold-errors.ts";
import { HoldExpiry } from "./hold-expiry.ts";
import { InFlight } from "./in-flight.ts";
import { LateAttempts } from "./late-attempts.ts";
import { directionOf, type HoldPolicy } from "./policy.ts";
import { RangeIndex } from "./range-index.ts";
import type { ReplayLog } from "./replay-log.ts";
import { EntryState, RequestEntry } from "./request-entry.ts";
import { RequestQueue } from "./request-queue.ts";
import type { Supervision } from "./supervision.ts";
import { Counters } from "./statistics.ts";

/** Pooled objects that are kept beyond what is in use. */
const POOL_SIZE = 4096;
/** So that attempts in the pool keep no client's buffers alive. */
const NO_IOV: Uint8Array[] = [];

/** The data path: admit, send, hold, act, complete. When to send again is the {@link Supervision}'s business. */
export class Engine {
  readonly driver: BlockDriver;
  readonly policy: HoldPolicy;
  readonly clock: Clock;
  readonly log: ReplayLog | null;
  readonly counters: Counters = new Counters();
  readonly queue: RequestQueue = new RequestQueue();
  readonly drain: Drain = new Drain();
  readonly hang: HangStatus;
  readonly ledger: HoldLedger;
  readonly inFlight: InFlight;
  /** What took too long, and may still land. */
  readonly late: LateAttempts;
  readonly expiry: HoldExpiry;
  readonly behind: BehindHeld = new BehindHeld(this);
  /** Bits of {@link Gate}. */
  gate = 0;
  /** RFC patch 4: false = errors are reported, nothing is held. */
  enabled = true;
  /** Grows when the backend may have restarted. */
  generation = 0;
  /** Grows whenever the driver says that it is connected again. */
  connection = 0;
  supervision!: Supervision;
  #seq = 0;
  readonly #entries: RequestEntry[] = [];
  /** Requests that wait for no other any more, until they are looked at. */
  readonly #unblocked: RequestEntry[] = [];
  readonly index: RangeIndex;
  readonly #emit: (event: BackendEvent) => void;

  constructor(parts: EngineParts) {
    this.driver = parts.driver;
    this.policy = parts.policy;
    this.clock = parts.clock;
    this.log = parts.log;
    this.#emit = parts.emit;
    this.hang = new HangStatus(parts.clock, parts.policy.outageLimitMs, {
      onHang: (set, outage) => this.#emit({ type: "hang", set, outage: outage.id, since: outage.startedAtRealtime }),
      onHangTimeout: (set, outage) => this.#onHangTimeout(set, outage),
    });
    this.ledger = new HoldLedger(parts.clock, this.hang, this.counters, this.queue);
    this.inFlight = new InFlight(parts.clock, parts.requestTimeout, (attempt) => attempt.owner?.onOverdue(attempt));
    this.late = new LateAttempts(this);
    this.expiry = new HoldExpiry(this);
    this.index = new RangeIndex(
      (item) => this.#onUnblocked(item as RequestEntry),
      (item) => this.#pool(item as RequestEntry),
    );
  }

  get lastSeq(): number {
    return this.#seq;
  }

  submit(request: BlockRequest): void {
    const invalid = (this.gate & Gate.CLOSED) !== 0 ? backendClosed() : checkRequest(this.driver.capabilities, request);
    if (invalid !== null) {
      this.counters.refused += 1;
      request.complete(request, invalid);
      return;
    }
    const entry = this.#entries.pop() ?? new RequestEntry(this.late.onOverdue);
    entry.admit(request, ++this.#seq, directionOf(request.operation), changesData(request.operation));
    this.index.add(entry);
    if (entry.blockers === 0 && this.gate === 0 && this.supervision.passes(entry)) this.start(entry);
    else this.#park(entry);
  }

  /** The gate lets the request through: nothing is paused, stopped or drained, or the drain itself waits for it. */
  mayPass(entry: RequestEntry): boolean {
    if (this.gate === 0) return true;
    return this.gate === Gate.DRAINED && this.drain.state === "drain-requested" && entry.seq <= this.drain.lastSeq;
  }

  /** A queued write waits for nothing but room in the log. */
  waitsForRoom(entry: RequestEntry): boolean {
    if (entry.state !== EntryState.QUEUED || entry.troubled || entry.stopped || entry.blockers > 0) return false;
    return entry.mutates && this.log !== null && this.log.isFull && this.supervision.isUp;
  }

  /** Gives a request to the driver: one that was just admitted, or a queued one. */
  start(entry: RequestEntry): void {
    if (entry.state === EntryState.QUEUED) this.#dequeue(entry);
    entry.moveTo(EntryState.IN_FLIGHT);
    const request = entry.request!;
    const attempt = (entry.ownAttempt ??= this.#newAttempt(entry));
    attempt.operation = request.operation;
    attempt.offset = request.offset;
    attempt.length = request.length;
    attempt.flags = request.flags;
    attempt.iov = request.iov;
    if (attempt.extents.length > 0) attempt.extents = [];
    attempt.generation = this.generation;
    attempt.connection = this.connection;
    if (this.log !== null) attempt.logPosition = this.log.position;
    entry.attempt = attempt;
    entry.attempts += 1;
    if (entry.heldSince >= 0) this.#noteSent(entry);
    this.send(attempt);
  }

  /** Gives an attempt, of whomever, to the driver. */
  send(attempt: Attempt): void {
    this.inFlight.add(attempt);
    this.driver.submit(attempt);
  }

  /** An attempt came back to whoever sent it. */
  settled(attempt: Attempt): void {
    this.inFlight.remove(attempt);
    this.supervision.onSettled();
  }

  /** Completes a request to its client, whatever state it is in but for `in-flight` with the driver still busy. */
  finish(entry: RequestEntry, error: BlockError | null): void {
    const request = this.#retire(entry);
    this.counters.completed += 1;
    if (error !== null) this.counters.failed += 1;
    const wasHeld = entry.heldSince >= 0;
    // The client hears of this request before those that waited for it can come to their end.
    request.complete(request, error);
    this.#recycle(entry);
    if (wasHeld) this.ledger.endIfEmpty();
  }

  /** Takes a queued request out without completing it; the caller owes the client its completion. */
  export(entry: RequestEntry): BlockRequest {
    const request = this.#retire(entry);
    this.#recycle(entry);
    this.ledger.endIfEmpty();
    return request;
  }

  /** Does what the policy says about a failure that is not held, or no longer. */
  act(entry: RequestEntry, error: BlockError): void {
    const request = entry.request!;
    const action =
      entry.abandoned || this.drain.reportsFailures ? "report" : this.policy.actionFor(error, entry.direction);
    const { operation, offset, length } = request;
    const { code, errorClass, message: reason } = error;
    const nospace = errorClass === "no-space";
    this.#emit({ type: "io-error", operation, offset, length, action, nospace, code, errorClass, reason });
    if (action === "stop") this.#stop(entry);
    else if (action === "report") this.finish(entry, error);
    else {
      // A client that ignores errors must not be shown what its buffer held before.
      if (operation === "read") for (const part of request.iov) part.fill(0);
      else if (operation === "block-status") request.extents.push({ length, hole: false, zero: false });
      this.finish(entry, null);
    }
  }

  /** Marks a queued request as held by an outage that it did not meet itself. */
  holdQueued(entry: RequestEntry): void {
    this.ledger.hold(entry, "outage");
    this.expiry.watch(entry);
    this.behind.spread(entry);
  }

  /** Forgets all timers. */
  dispose(): void {
    this.hang.dispose();
    this.inFlight.dispose();
    this.expiry.dispose();
  }

  #park(entry: RequestEntry): void {
    entry.moveTo(EntryState.QUEUED);
    this.queue.append(entry);
    const { seq } = entry;
    if (entry.blockers > 0) this.behind.consider(entry);
    else if (this.gate === 0) this.admitQueued(entry);
    if (entry.state === EntryState.QUEUED && entry.seq === seq) this.supervision.onAppended(entry);
  }

  /** What becomes of a queued request that waits for nothing but the storage. */
  admitQueued(entry: RequestEntry): void {
    if (this.supervision.passes(entry)) {
      this.start(entry);
    } else if (entry.mutates && this.log !== null && this.log.isFull && this.supervision.mayMakeRoom) {
      this.supervision.onLogGrown();
    } else if (!this.canHold(entry)) {
      // The storage answers again and is being looked after: what comes of that decides about this request.
      if (this.supervision.isRecovering && this.hang.state !== "timed-out") return;
      this.act(entry, unreachable(entry, this.hang.outage));
    } else {
      this.holdQueued(entry);
    }
  }

  /** Leaving the kind of error aside: may this request be held now? */
  canHold(entry: RequestEntry): boolean {
    if (!this.enabled || this.drain.reportsFailures || entry.abandoned || this.hang.state === "timed-out") return false;
    const { retryTimeout } = this.policy[entry.direction];
    return entry.heldSince < 0 ? retryTimeout > 0 : this.clock.now() < entry.heldSince + retryTimeout;
  }

  readonly #onDone = (request: BlockRequest, error: BlockError | null): void => {
    const attempt = request as Attempt;
    const entry = attempt.owner as RequestEntry | null;
    this.inFlight.remove(attempt);
    if (entry === null) {
      this.late.onEnd(attempt, error);
      return;
    }
    entry.attempt = null;
    if (error === null) {
      this.#onSuccess(entry, attempt);
    } else {
      attempt.iov = NO_IOV;
      this.#onFailure(entry, error, attempt.connection);
    }
    this.supervision.onSettled();
  };

  #onSuccess(entry: RequestEntry, attempt: Attempt): void {
    const request = entry.request!;
    const wasOverdue = entry.state === EntryState.OVERDUE;
    if (wasOverdue) this.late.overdue.delete(entry);
    if (attempt.generation !== this.generation) {
      attempt.iov = NO_IOV;
      this.#onStaleSuccess(entry);
      return;
    }
    // One by one: there may be more than a call can have arguments.
    if (request.operation === "block-status") for (const extent of attempt.extents) request.extents.push(extent);
    if (this.log !== null && entry.direction === "write") this.#remember(request, attempt, this.log);
    // Before the end of the request: then its entry may be in use again at once, and the attempt with it.
    attempt.iov = NO_IOV;
    const { cycle } = entry;
    if (entry.failWhenDone === null) this.finish(entry, null);
    else this.late.fail(entry);
    if (this.hang.state === "timed-out") this.hang.end();
    if (cycle > 0 || !this.supervision.isUp) this.supervision.onSuccess(cycle);
    if (wasOverdue) this.supervision.onLateAnswer();
  }

  /**
   * The instance that answered may be gone, and the write with it, or it may be a new one that lost what a read should have
   * seen: only what is asked after the log was written again counts.
   */
  #onStaleSuccess(entry: RequestEntry): void {
    if (this.canHold(entry)) {
      this.#requeue(entry);
      this.ledger.note(entry, { at: this.clock.now(), what: "sent-again-after-restart", attempt: entry.attempts });
      this.supervision.onAppended(entry);
    } else {
      entry.failWhenDone ??= mayBeLost(entry);
      this.late.fail(entry);
    }
  }

  #remember(request: BlockRequest, attempt: Attempt, log: ReplayLog): void {
    if (request.operation === "flush") {
      log.trim(attempt.logPosition);
      return;
    }
    // What is stable already needs no record, unless an older record would be written over it.
    if ((request.flags & RequestFlag.FUA) !== 0 && log.count === 0) return;
    log.append(attempt);
    if (log.wantsFlush) this.supervision.onLogGrown();
  }

  #onFailure(entry: RequestEntry, error: BlockError, connection: number): void {
    const { cycle } = entry;
    const overdue = entry.state === EntryState.OVERDUE;
    if (overdue) this.late.overdue.delete(entry);
    // An attempt that was called back failed for the reason that it was called back for.
    const cause = overdue && error.errorClass === "cancelled" ? entry.lastError! : error;
    const heldBefore = entry.heldSince >= 0;
    if (heldBefore) this.ledger.noteFailure(entry, cause);
    if (entry.failWhenDone !== null) {
      this.late.fail(entry);
    } else if (this.policy.isHeld(cause, entry.direction) && this.canHold(entry)) {
      if (!heldBefore) this.ledger.noteFailure(entry, cause);
      this.#requeue(entry);
      // What an earlier connection brought with its end says nothing about this one.
      this.supervision.onHeld(cause, connection !== this.connection);
    } else {
      this.act(entry, cause);
    }
    if (cycle > 0) this.supervision.onFailure(cycle);
  }

  #requeue(entry: RequestEntry): void {
    entry.lastAttemptAt = this.clock.now();
    // There may be many for a long time.
    entry.ownAttempt = null;
    entry.moveTo(EntryState.QUEUED);
    this.queue.insert(entry);
    this.ledger.hold(entry, "failed");
    this.expiry.watch(entry);
    this.behind.spread(entry);
  }

  #stop(entry: RequestEntry): void {
    if (entry.state !== EntryState.QUEUED) {
      entry.ownAttempt = null;
      entry.moveTo(EntryState.QUEUED);
      this.queue.insert(entry);
    }
    this.ledger.holdStopped(entry);
    this.ledger.endIfEmpty();
    this.supervision.onStopped();
  }

  /**
   * One after the other, never one from within another: in a long chain of overlapping requests over a driver that completes
   * at once, each would sit on the stack of the one before.
   */
  #onUnblocked(entry: RequestEntry): void {
    this.#unblocked.push(entry);
    if (this.#unblocked.length > 1) return;
    for (let at = 0; at < this.#unblocked.length; at += 1) this.#release(this.#unblocked[at]!);
    this.#unblocked.length = 0;
  }

  #release(entry: RequestEntry): void {
    if (entry.state !== EntryState.QUEUED || entry.blockers > 0) return;
    const { seq } = entry;
    if (!entry.troubled && !entry.stopped && this.mayPass(entry)) this.admitQueued(entry);
    if (entry.state === EntryState.QUEUED && entry.seq === seq && entry.troubled) this.supervision.onUnblocked(entry);
  }

  #onHangTimeout(set: boolean, outage: Outage): void {
    this.#emit({ type: "hang-timeout", set, outage: outage.id, since: outage.startedAtRealtime });
    if (set) this.expiry.endOutage();
  }

  #noteSent(entry: RequestEntry): void {
    if (entry.attempts > 1) this.counters.retries += 1;
    this.ledger.note(entry, { at: this.clock.now(), what: "sent", attempt: entry.attempts });
  }

  #dequeue(entry: RequestEntry): void {
    this.supervision.onRemoved(entry);
    this.queue.remove(entry);
  }

  #retire(entry: RequestEntry): BlockRequest {
    if (entry.state === EntryState.QUEUED) this.#dequeue(entry);
    entry.moveTo(EntryState.IDLE);
    if (entry.heldSince >= 0) this.ledger.settle(entry);
    const request = entry.request!;
    request.driverState = null;
    return request;
  }

  #recycle(entry: RequestEntry): void {
    entry.clear();
    if (this.index.remove(entry)) this.#pool(entry);
  }

  #pool(entry: RequestEntry): void {
    if (this.#entries.length < POOL_SIZE) this.#entries.push(entry);
  }

  #newAttempt(entry: RequestEntry): Attempt {
    const attempt = new Attempt(this.#onDone);
    attempt.owner = entry;
    return attempt;
  }
}
