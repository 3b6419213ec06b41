/** A timer that was set and can be taken back. */
export interface Timer {
  /** Takes the timer back; its callback will not run. Harmless after it ran. */
  cancel(): void;
}

/**
 * The only source of time in every library of this project. Give {@link createSystemClock} in a program and
 * `createVirtualClock` in a test or a simulation.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, with fractions; never goes back. */
  now(): number;
  /** Milliseconds since 1970-01-01T00:00Z, for time stamps that people and peers read. May jump. */
  realtime(): number;
  /** Calls `callback` once, not before `ms` milliseconds from now (≥ 0) have passed, and never from within this call. */
  setTimer(ms: number, callback: () => void): Timer;
}

/** What both browsers and Node offer; declared here so that neither's types are needed. */
interface Host {
  performance: { now(): number };
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
}

/** setTimeout's longest delay, ms; longer ones would fire at once. */
const LONGEST_DELAY = 0x7fffffff;

/** The machine's own clock. Its timers keep a Node process alive, as setTimeout does. */
export function createSystemClock(): Clock {
  const host = globalThis as unknown as Host;
  return {
    now: () => host.performance.now(),
    realtime: () => Date.now(),
    setTimer(ms, callback) {
      const due = host.performance.now() + ms;
      // setTimeout may be a little early, and cannot wait for longer than LONGEST_DELAY.
      const wake = (): void => {
        const left = due - host.performance.now();
        if (left > 0) id = host.setTimeout(wake, Math.min(Math.ceil(left), LONGEST_DELAY));
        else callback();
      };
      let id = host.setTimeout(wake, Math.min(Math.max(0, Math.ceil(ms)), LONGEST_DELAY));
      return { cancel: () => host.clearTimeout(id) };
    },
  };
}
