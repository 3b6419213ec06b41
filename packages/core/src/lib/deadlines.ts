import type { Clock, Timer } from "@rehandle/driver-sdk";

/** Deadlines are looked at no more often than this, ms; they are met late by at most as much, never early. */
const GRANULARITY = 25;

/** One timer for the earliest of many deadlines. */
export class Deadlines {
  #timer: Timer | null = null;
  #due = Infinity;
  readonly #clock: Clock;
  readonly #onDue: () => number;

  /** @param onDue acts on every deadline that has passed and returns the earliest one left, clock's ms, or Infinity. */
  constructor(clock: Clock, onDue: () => number) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Something is due at `at`, clock's ms; Infinity is ignored. */
  add(at: number): void {
    if (at >= this.#due) return;
    this.dispose();
    this.#due = at;
    this.#timer = this.#clock.setTimer(Math.max(0, at - this.#clock.now()), () => {
      this.#timer = null;
      this.#due = Infinity;
      const next = this.#onDue();
      if (next !== Infinity) this.add(Math.max(next, this.#clock.now() + GRANULARITY));
    });
  }

  /** Forgets the timer. */
  dispose(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#due = Infinity;
  }
}
