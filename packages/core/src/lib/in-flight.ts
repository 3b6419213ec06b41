import type { Clock, Timer } from "@rehandle/driver-sdk";

import type { Attempt } from "./attempt.ts";

/** How many ticks of the watchdog a request timeout lasts: the timeout is noticed at most this fraction late. */
const TICKS = 8;

/**
 * The attempts that are with the driver, oldest first, and the watchdog over them. Time is kept in ticks of one timer, so
 * that no attempt costs a reading of the clock.
 */
export class InFlight {
  head: Attempt | null = null;
  tail: Attempt | null = null;
  count = 0;
  #tick = 0;
  #timer: Timer | null = null;
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #onOverdue: (attempt: Attempt) => void;

  /**
   * @param timeoutMs request timeout, ms; 0 = no watchdog.
   * @param onOverdue called for each attempt that took at least `timeoutMs`; it may remove attempts.
   */
  constructor(clock: Clock, timeoutMs: number, onOverdue: (attempt: Attempt) => void) {
    this.#clock = clock;
    this.#tickMs = timeoutMs / TICKS;
    this.#onOverdue = onOverdue;
  }

  add(attempt: Attempt): void {
    attempt.tick = this.#tick;
    attempt.prev = this.tail;
    attempt.next = null;
    if (this.tail === null) this.head = attempt;
    else this.tail.next = attempt;
    this.tail = attempt;
    attempt.listed = true;
    this.count += 1;
    if (this.#timer === null && this.#tickMs > 0) this.#arm();
  }

  remove(attempt: Attempt): void {
    if (!attempt.listed) return;
    const { prev, next } = attempt;
    if (prev === null) this.head = next;
    else prev.next = next;
    if (next === null) this.tail = prev;
    else next.prev = prev;
    attempt.prev = null;
    attempt.next = null;
    attempt.listed = false;
    this.count -= 1;
  }

  /** Forgets the timer; for close. */
  dispose(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(this.#tickMs, () => this.#onTick());
  }

  #onTick(): void {
    this.#timer = null;
    this.#tick += 1;
    // An attempt may have come just before a tick, so only one tick more is surely the whole timeout.
    const overdue: Attempt[] = [];
    for (let attempt = this.head; attempt !== null && this.#tick - attempt.tick > TICKS; attempt = attempt.next) {
      overdue.push(attempt);
    }
    for (const attempt of overdue) {
      if (!attempt.listed) continue;
      this.remove(attempt);
      this.#onOverdue(attempt);
    }
    if (this.head !== null && this.#timer === null) this.#arm();
  }
}
