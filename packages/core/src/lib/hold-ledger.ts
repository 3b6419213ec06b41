import type { BlockError, Clock } from "@rehandle/driver-sdk";

import type { HangStatus } from "./hang-status.ts";
import type { Direction } from "./policy.ts";
import type { RequestEntry } from "./request-entry.ts";
import type { RequestQueue } from "./request-queue.ts";
import type { Counters } from "./statistics.ts";
import { appendToTimeline, type TimelineItem } from "./timeline.ts";

/** What happened to a request; it was held by an outage that it did not meet itself if nothing else was noted. */
export function timelineOf({ timeline, heldSince }: RequestEntry): readonly TimelineItem[] {
  if (timeline !== null) return timeline;
  return heldSince < 0 ? [] : [{ at: heldSince, what: "held", why: "outage" }];
}

/** Who is held, since when and why; it begins and ends the hang, and is the only one to do so. */
export class HoldLedger {
  /** Held requests that have not come to their end: queued, sent again, or overdue. */
  readonly count: Record<Direction, number> = { read: 0, write: 0 };
  readonly #clock: Clock;
  readonly #hang: HangStatus;
  readonly #counters: Counters;
  readonly #queue: RequestQueue;

  constructor(clock: Clock, hang: HangStatus, counters: Counters, queue: RequestQueue) {
    this.#clock = clock;
    this.#hang = hang;
    this.#counters = counters;
    this.#queue = queue;
  }

  get total(): number {
    return this.count.read + this.count.write;
  }

  /** Clock's ms since when the oldest queued request is held; undefined if none is. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (let entry = this.#queue.head; entry !== null; entry = entry.next) {
      if (entry.heldSince >= 0 && (oldest === undefined || entry.heldSince < oldest)) oldest = entry.heldSince;
    }
    return oldest;
  }

  /** The request is held from now on. The first one begins the hang. */
  hold(entry: RequestEntry, why: "failed" | "outage"): void {
    if (entry.troubled) return;
    entry.troubled = true;
    this.count[entry.direction] += 1;
    // Of most of those that come in an outage there is nothing else to tell for long, and `timelineOf` knows this much.
    if (why === "outage" && entry.timeline === null && entry.heldSince < 0) entry.touched = true;
    else this.note(entry, { at: this.#clock.now(), what: "held", why });
    this.#since(entry);
    this.#hang.begin();
  }

  /** The request is held by the action `stop`: that is no hang, but somebody's decision. */
  holdStopped(entry: RequestEntry): void {
    this.release(entry);
    entry.stopped = true;
    // Before the time is set: with nothing noted that would mean an outage.
    this.note(entry, { at: this.#clock.now(), what: "held", why: "stop" });
    this.#since(entry);
  }

  /** A request that `stop` held is tried afresh: its own time begins anew. */
  resume(entry: RequestEntry): void {
    if (!entry.stopped) return;
    entry.stopped = false;
    entry.heldSince = -1;
  }

  /** The request is no longer part of the hang. */
  release(entry: RequestEntry): void {
    if (!entry.troubled) return;
    entry.troubled = false;
    this.count[entry.direction] -= 1;
  }

  /** A hang ends when nothing is held; after its timeout it takes a success as well (`onSuccess`). */
  endIfEmpty(): void {
    if (this.total === 0 && this.#hang.state === "hang") this.#hang.end();
  }

  /** The request came to its end. */
  settle(entry: RequestEntry): void {
    if (entry.heldSince >= 0) this.#counters.countHangTime(this.#clock.now() - entry.heldSince);
    this.release(entry);
  }

  /** A failure for the request's timeline. */
  noteFailure(entry: RequestEntry, error: BlockError): void {
    const { code, errorClass, message } = error;
    entry.lastError = error;
    this.note(entry, { at: this.#clock.now(), what: "failed", attempt: entry.attempts, code, errorClass, message });
  }

  note(entry: RequestEntry, item: TimelineItem): void {
    entry.touched = true;
    entry.timeline = appendToTimeline(timelineOf(entry), item);
  }

  #since(entry: RequestEntry): void {
    if (entry.heldSince >= 0) return;
    entry.heldSince = this.#clock.now();
    this.#counters.held += 1;
  }
}
