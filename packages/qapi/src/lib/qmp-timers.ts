/** A timer that can be taken back. */
export interface QmpTimer {
  /** Its callback is not called any more. Harmless afterwards. */
  cancel(): void;
}

/** The part of a clock that waits; the clocks of `@rehandle/driver-sdk` are such. */
export interface QmpTimers {
  /** Calls `callback` once, not before `ms` milliseconds have passed, and never from within this call. */
  setTimer(ms: number, callback: () => void): QmpTimer;
}
