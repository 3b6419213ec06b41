/** How long to wait before a connection is tried again. */
export interface QmpBackoffOptions {
  /** Milliseconds before the second try; doubled with every further one that fails. Default 100. */
  readonly initialMs?: number;
  /** The longest wait, milliseconds, ≥ initialMs. Default 10,000. */
  readonly maxMs?: number;
  /** Every wait is shortened by a random share of up to this much, 0 … 1. Default 0.2. */
  readonly jitter?: number;
}

/** Says how long to wait. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #jitter: number;
  readonly #random: () => number;
  #next: number;

  /** @throws RangeError naming the option */
  constructor({ initialMs = 100, maxMs = 10_000, jitter = 0.2 }: QmpBackoffOptions, random: () => number) {
    if (!(initialMs > 0)) throw new RangeError(`backoff.initialMs must be > 0, not ${initialMs}`);
    if (!(maxMs >= initialMs)) throw new RangeError(`backoff.maxMs must be >= initialMs, not ${maxMs}`);
    if (!(jitter >= 0 && jitter <= 1)) throw new RangeError(`backoff.jitter must be from 0 to 1, not ${jitter}`);
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
    this.#jitter = jitter;
    this.#random = random;
    this.#next = initialMs;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const wait = this.#next;
    this.#next = Math.min(wait * 2, this.#maxMs);
    return wait * (1 - this.#jitter * this.#random());
  }

  /** A try succeeded: starts over. */
  reset(): void {
    this.#next = this.#initialMs;
  }
}
