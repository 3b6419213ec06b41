import type { Clock, Timer } from "@rehandle/driver-sdk";

import type { Sample } from "./sample.ts";

/** What is read at the end of every slot. Counters grow from the beginning. */
export type Reading = Omit<Sample, "at">;

/** Reads counters at equal distances in time and gives their differences. */
export class Sampler {
  readonly #clock: Clock;
  readonly #slotMs: number;
  readonly #read: () => Reading;
  readonly #onSample: (sample: Sample) => void;
  readonly #began: number;
  #slots = 0;
  #completed = 0;
  #failed = 0;
  #timer: Timer | null = null;

  /** Begins at once; the first slot ends `slotMs` from now. */
  constructor(clock: Clock, slotMs: number, read: () => Reading, onSample: (sample: Sample) => void) {
    this.#clock = clock;
    this.#slotMs = slotMs;
    this.#read = read;
    this.#onSample = onSample;
    this.#began = clock.now();
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#slots += 1;
    const due = this.#began + this.#slots * this.#slotMs;
    this.#timer = this.#clock.setTimer(Math.max(0, due - this.#clock.now()), () => {
      const { completed, failed, ...state } = this.#read();
      const at = this.#clock.now() - this.#began;
      this.#onSample({ ...state, at, completed: completed - this.#completed, failed: failed - this.#failed });
      this.#completed = completed;
      this.#failed = failed;
      this.#arm();
    });
  }
}
