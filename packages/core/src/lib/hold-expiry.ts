import { Deadlines } from "./deadlines.ts";
import type { Engine } from "./engine.ts";
import { gaveUp } from "./hold-errors.ts";
import { EntryState, type RequestEntry } from "./request-entry.ts";

/** Ends holds whose time is over: one request's own, or the outage's. */
export class HoldExpiry {
  readonly #engine: Engine;
  readonly #deadlines: Deadlines;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#deadlines = new Deadlines(engine.clock, () => this.#expire());
  }

  /** A request is held: its direction's `retryTimeout` counts from when it first was. */
  watch(entry: RequestEntry): void {
    this.#deadlines.add(this.#dueOf(entry));
  }

  /** The outage lasted too long: whatever is held fails. */
  endOutage(): void {
    const { behind, counters, policy, queue, supervision } = this.#engine;
    counters.timeouts += 1;
    const why = `I/O hang lasted ${policy.iohangTimeoutMs / 1000} s`;
    this.#endWhere(() => true, why);
    for (const entry of queue.snapshot()) behind.consider(entry);
    supervision.onSettled();
  }

  /** Forgets the timer. */
  dispose(): void {
    this.#deadlines.dispose();
  }

  /** Ends every hold whose own time is over, and says when the next one is. */
  #expire(): number {
    const now = this.#engine.clock.now();
    let next = Infinity;
    this.#endWhere((entry) => {
      const due = this.#dueOf(entry);
      if (due > now) next = Math.min(next, due);
      return due <= now;
    }, "retry timeout is over");
    this.#engine.supervision.onSettled();
    return next;
  }

  #endWhere(isOver: (entry: RequestEntry) => boolean, why: string): void {
    const { queue, late, ledger } = this.#engine;
    for (const entry of queue.snapshot()) {
      if (entry.troubled && entry.state === EntryState.QUEUED && isOver(entry))
        this.#engine.act(entry, gaveUp(entry, why));
    }
    // The driver still has the buffers of these: they fail as soon as it lets go.
    for (const entry of late.overdue) {
      if (entry.failWhenDone !== null || !isOver(entry)) continue;
      ledger.release(entry);
      entry.failWhenDone = gaveUp(entry, why);
    }
    ledger.endIfEmpty();
  }

  #dueOf(entry: RequestEntry): number {
    return entry.heldSince + this.#engine.policy[entry.direction].retryTimeout;
  }
}
