import { BlockError } from "@rehandle/driver-sdk";

import type { Attempt } from "./attempt.ts";
import type { Engine } from "./engine.ts";
import { gaveUp } from "./hold-errors.ts";
import { RangeItem } from "./range-item.ts";
import { EntryState, RequestEntry } from "./request-entry.ts";

/** Attempts that took too long: called back from the driver, and fenced as long as they may still land. */
export class LateAttempts {
  /** Requests whose attempt is overdue and whose buffers the driver keeps. */
  readonly overdue: Set<RequestEntry> = new Set();
  /** Guards around attempts that were given up and may still land. */
  readonly fences: Set<RangeItem> = new Set();
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Tells the driver that nobody waits for the attempt any more. True: its buffers are free. */
  giveUp(attempt: Attempt): boolean {
    return this.#engine.driver.abandon?.(attempt) ?? false;
  }

  /** The upper layer gave a request up that is with the driver. True: its buffers are free. */
  detachAbandoned(entry: RequestEntry): boolean {
    const { attempt, seq } = entry;
    if (attempt === null || !this.giveUp(attempt)) return false;
    // The write may land after all, and the log then needs what the client's buffers no longer hold.
    if (this.#engine.log !== null && entry.attempt === attempt && entry.seq === seq && attempt.operation === "write")
      attempt.iov = attempt.iov.map((part) => part.slice());
    return true;
  }

  /** Keeps later requests out of a range while something may still land there. */
  fence(fence: RangeItem, exempt: RequestEntry | null): void {
    this.fences.add(fence);
    this.#engine.index.addFence(fence, (item) => item === exempt || (item as RequestEntry).state !== EntryState.QUEUED);
    this.#engine.behind.spread(fence);
  }

  unfence(fence: RangeItem): void {
    this.fences.delete(fence);
    this.#engine.index.remove(fence);
    this.#engine.supervision.onSettled();
  }

  /** True if a client's attempt, or a fenced one, may still change the range, or read it. */
  isLanding(start: number, end: number): boolean {
    for (const fence of this.fences) if (fence.start < end && start < fence.end) return true;
    for (const entry of this.overdue) if (entry.start < end && start < entry.end) return true;
    for (let attempt = this.#engine.inFlight.head; attempt !== null; attempt = attempt.next) {
      const overlaps = attempt.offset < end && start < attempt.offset + attempt.length;
      if (overlaps && attempt.owner instanceof RequestEntry) return true;
    }
    return false;
  }

  /** The watchdog found an attempt that takes too long. */
  readonly onOverdue: (entry: RequestEntry, attempt: Attempt) => void = (entry, attempt) => {
    const { operation, offset, length } = attempt;
    const error = new BlockError(`${operation} of ${length} bytes at ${offset} was not answered in time`, {
      code: "ETIMEDOUT",
      operation,
      offset,
      length,
    });
    const { cycle } = entry;
    this.#engine.ledger.noteFailure(entry, error);
    entry.moveTo(EntryState.OVERDUE);
    this.overdue.add(entry);
    this.#engine.behind.spread(entry);
    const held = this.#engine.policy.isHeld(error, entry.direction) && this.#engine.canHold(entry);
    if (held) {
      this.#engine.ledger.hold(entry, "failed");
      this.#engine.expiry.watch(entry);
    } else {
      entry.failWhenDone = error;
    }
    if (cycle > 0) this.#engine.supervision.onFailure(cycle);
    this.detach(entry);
    if (held) this.#engine.supervision.onHeld(error, attempt.connection !== this.#engine.connection);
  };

  /** Takes a request back from the driver, as far as the driver lets go of it, to fail or to queue it. */
  callBack(entry: RequestEntry): void {
    if (entry.state === EntryState.IN_FLIGHT) {
      this.#engine.inFlight.remove(entry.attempt!);
      entry.moveTo(EntryState.OVERDUE);
      this.overdue.add(entry);
    }
    entry.touched = true;
    if (this.#engine.drain.mode === "fail") {
      entry.failWhenDone ??= gaveUp(entry, "the backend was drained");
      // Whatever its policy says, and however late the driver lets go of it, it is reported.
      entry.abandoned = true;
    }
    entry.lastError ??= new BlockError("called back by a drain", { code: "ETIMEDOUT" });
    this.detach(entry);
  }

  /** Tries to get an overdue request's buffers back from the driver; then it is held, or fails, like any other. */
  detach(entry: RequestEntry): void {
    const attempt = entry.attempt!;
    const { seq } = entry;
    const detached = this.giveUp(attempt);
    // The driver may have completed the attempt from within the call.
    if (entry.attempt !== attempt || entry.seq !== seq) return;
    this.#engine.ledger.note(entry, { at: this.#engine.clock.now(), what: "late", attempt: entry.attempts, detached });
    if (!detached) return;
    this.overdue.delete(entry);
    attempt.owner = null;
    entry.attempt = null;
    entry.ownAttempt = null;
    entry.lastAttemptAt = this.#engine.clock.now();
    if (entry.mutates) this.#fenceAttempt(entry, attempt);
    if (entry.failWhenDone !== null) {
      this.fail(entry);
      return;
    }
    entry.moveTo(EntryState.QUEUED);
    this.#engine.queue.insert(entry);
  }

  /** Acts on the failure of a request that was to fail as soon as the driver lets go of it. */
  fail(entry: RequestEntry): void {
    const error = entry.failWhenDone!;
    // The action `stop` keeps it, to be tried afresh.
    entry.failWhenDone = null;
    this.#engine.act(entry, error);
  }

  #fenceAttempt(entry: RequestEntry, attempt: Attempt): void {
    const fence = new RangeItem(true);
    fence.start = entry.start;
    fence.end = entry.end;
    fence.mutates = true;
    attempt.fence = fence;
    this.fence(fence, entry);
  }

  /** An attempt that was given up has come to its end: its range is free. */
  onEnd(attempt: Attempt, error: BlockError | null): void {
    if (attempt.fence !== null) this.unfence(attempt.fence);
    // Its buffers may have been in the driver's hands until now, so the object is not used again.
    if (error === null) this.#engine.supervision.onLateAnswer();
    this.#engine.supervision.onSettled();
  }
}
