import type { Random } from "@rehandle/driver-sdk";

/** How long to wait between probes. */
export interface BackoffOptions {
  /** The first wait, ms. Default 100. Range 1 … maxMs. */
  initialMs?: number;
  /** The longest wait, ms. Default 5000. */
  maxMs?: number;
  /** Each wait is this many times the one before. Default 2. Range ≥ 1. */
  factor?: number;
  /** How much of a wait is left to chance, 0 … 1: a wait w becomes w·(1 − jitter) … w. Default 0.3. */
  jitter?: number;
}

/** The RFC's fixed timer (`timer_interval_ms` = 5000, patch 1). */
export const RFC_BACKOFF: Readonly<Required<BackoffOptions>> = { initialMs: 5000, maxMs: 5000, factor: 1, jitter: 0 };

/** Growing, jittered waits. */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  readonly #random: Random;
  #wait: number;

  /** @throws RangeError for a number out of its range. */
  constructor(options: BackoffOptions, random: Random) {
    const { initialMs = 100, maxMs = Math.max(5000, initialMs), factor = 2, jitter = 0.3 } = options;
    if (!(initialMs >= 1 && maxMs >= initialMs && maxMs <= 0x7fffffff && factor >= 1 && jitter >= 0 && jitter <= 1)) {
      throw new RangeError("backoff needs 1 <= initialMs <= maxMs, factor >= 1 and 0 <= jitter <= 1");
    }
    this.#options = { initialMs, maxMs, factor, jitter };
    this.#random = random;
    this.#wait = initialMs;
  }

  /** The next wait, ms. */
  next(): number {
    const { maxMs, factor, jitter } = this.#options;
    const wait = this.#wait;
    this.#wait = Math.min(maxMs, wait * factor);
    return wait * (1 - jitter * this.#random());
  }

  /** The storage is well again: start from the first wait. */
  reset(): void {
    this.#wait = this.#options.initialMs;
  }
}
