import type { Engine } from "./engine.ts";
import { unreachable } from "./hold-errors.ts";
import type { RangeItem } from "./range-item.ts";
import { EntryState, type RequestEntry } from "./request-entry.ts";

/**
 * Whoever waits, perhaps through others, for a request of which nobody knows when it will be over is held as well: in the same
 * hang, for as long as the policy says, and shown to operators. Without it a write that the storage never answers would keep
 * later ones of its range waiting for ever, past every timeout.
 */
export class BehindHeld {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The item is held, or late, from now on. */
  spread(item: RangeItem): void {
    item.held = true;
    const todo = [item];
    for (let at = 0; at < todo.length; at += 1) {
      const { waiters } = todo[at]!;
      if (waiters === null) continue;
      // A request that fails here may change the list: new ones come at its end, and look for themselves.
      for (let index = 0; index < waiters.length; index += 1) {
        const waiter = waiters[index]!;
        if (waiter.behindHeld || waiter.lateComer) continue;
        waiter.behindHeld = true;
        todo.push(waiter);
        this.consider(waiter as RequestEntry);
      }
    }
  }

  /** Looks at a request that may wait for something that is held. */
  consider(entry: RequestEntry): void {
    const engine = this.#engine;
    if (!entry.behindHeld || entry.blockers === 0 || entry.state !== EntryState.QUEUED) return;
    if (entry.troubled || entry.stopped || !engine.mayPass(entry)) return;
    if (engine.canHold(entry)) {
      entry.held = true;
      engine.ledger.hold(entry, "outage");
      engine.ledger.note(entry, { at: engine.clock.now(), what: "waits-for-overlap", blockers: entry.blockers });
      engine.expiry.watch(entry);
    } else if (engine.hang.state === "timed-out") {
      engine.act(entry, unreachable(entry, engine.hang.outage));
    }
  }
}
