/** Measures when requests completed. All times are those of one clock, ms. */
export class ProgressMeter {
  #last: number;
  #longest = 0;
  #completed = 0;
  #firstAfter: { readonly since: number; at: number | null; wake: () => void } | null = null;

  /** Begins to measure at `now`. */
  constructor(now: number) {
    this.#last = now;
  }

  /** Requests that succeeded. */
  get completed(): number {
    return this.#completed;
  }

  /** A request succeeded at `now`. */
  success(now: number): void {
    this.#completed += 1;
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
    const waiting = this.#firstAfter;
    if (waiting === null || waiting.at !== null || now < waiting.since) return;
    waiting.at = now;
    waiting.wake();
  }

  /** The longest time without a success, up to `now`, ms. */
  longestStall(now: number): number {
    return Math.max(this.#longest, now - this.#last);
  }

  /** Resolves with the time of the first success from `since` on; it may be in the past by then. */
  firstSuccess(since: number): Promise<number> {
    return new Promise((resolve) => {
      const waiting = { since, at: null as number | null, wake: () => resolve(waiting.at ?? since) };
      this.#firstAfter = waiting;
    });
  }
}
