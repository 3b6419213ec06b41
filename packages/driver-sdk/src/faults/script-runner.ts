import type { Clock, Timer } from "../lib/clock.ts";
import type { FaultAction, FaultStep } from "./fault-action.ts";

/**
 * Does the steps of a script, each at its time; steps of the same time in the order they are written. Only one timer is set.
 * @returns a function that stops it.
 */
export function runScript(
  clock: Clock,
  script: readonly FaultStep[],
  perform: (action: FaultAction) => void,
): () => void {
  const steps = script.toSorted((a, b) => a.at - b.at);
  const start = clock.now();
  let next = 0;
  let timer: Timer | null = null;
  const arm = (): void => {
    const step = steps[next];
    timer = step === undefined ? null : clock.setTimer(Math.max(0, start + step.at - clock.now()), run);
  };
  const run = (): void => {
    const now = clock.now() - start;
    let due = steps[next];
    // The one that the timer was set for is due, however the clock rounds.
    do {
      next += 1;
      if (due !== undefined) perform(due.action);
      due = steps[next];
    } while (due !== undefined && due.at <= now);
    arm();
  };
  arm();
  return () => {
    timer?.cancel();
    next = steps.length;
  };
}
