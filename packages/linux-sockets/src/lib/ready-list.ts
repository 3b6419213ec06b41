import { availableParallelism } from "node:os";
import { BusyPoll } from "./busy-poll.ts";

/** Somebody who has something to do. */
export interface Ready {
  /**
   * Does it. What it throws is an uncaught exception, as in any other callback of the event loop.
   * @returns true if it was little, so that what comes next is worth staying awake for: see `BusyPoll`.
   */
  run(): boolean;
}

let waiting: Ready[] = [];

/** With one processor, whoever is waited for could not run meanwhile. */
const busyPoll = availableParallelism() > 1 ? new BusyPoll((turn) => void setImmediate(turn)) : null;

/**
 * Runs `ready` on this turn of the event loop, after the callbacks of all descriptors that are ready.
 *
 * koffi calls back without all that Node does around its own callbacks: what is thrown gets lost, and nothing promises that
 * microtasks and ticks are run afterwards. So nothing is done there but this.
 */
export function runSoon(ready: Ready): void {
  if (waiting.push(ready) === 1) setImmediate(runAll);
}

function runAll(): void {
  const batch = waiting;
  waiting = [];
  let next = 0;
  let little = false;
  try {
    while (next < batch.length) {
      const ready = batch[next]!;
      next += 1;
      little = ready.run();
    }
    // With several of them busy, the event loop hardly sleeps.
    if (little && batch.length === 1) busyPoll?.came();
  } finally {
    // Somebody threw: the others must not miss their turn.
    for (; next < batch.length; next += 1) runSoon(batch[next]!);
  }
}
