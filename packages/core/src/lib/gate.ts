/** The reasons for which new attempts may be kept back; any of them is enough. Bits of `Engine.gate`. */
export const Gate = {
  /** `pause` was called. */
  PAUSED: 1,
  /** A failure whose action is `stop`; waits for `resume`. */
  STOPPED: 2,
  /** A drain was asked for, or has ended and its section still lasts. */
  DRAINED: 4,
  /** Closed for good. */
  CLOSED: 8,
} as const;
