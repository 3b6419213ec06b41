import type { Clock, Timer } from "@rehandle/driver-sdk";

/**
 * The RFC's status of a backend. `normal`; `hang`: requests are held; `timed-out`: the hang lasted longer than
 * `iohang-timeout`, and failures are reported at once until an I/O succeeds (the RFC's HANG with `is_iohang_timeout`).
 */
export type HangState = "normal" | "hang" | "timed-out";

/** What may follow what. */
const NEXT_STATES: Readonly<Record<HangState, readonly HangState[]>> = {
  normal: ["hang"],
  hang: ["normal", "timed-out"],
  "timed-out": ["normal"],
};

/** One outage. */
export interface Outage {
  /** Counts from 1 over the backend's life. */
  readonly id: number;
  /** Clock's ms when the first request was held. */
  readonly startedAt: number;
  /** The same moment in ms since 1970. */
  readonly startedAtRealtime: number;
}

/** What the status tells the backend. */
export interface HangListener {
  /** RFC patch 7, `BLOCK_IO_HANG`. */
  onHang(set: boolean, outage: Outage): void;
  /** RFC patch 7, `BLOCK_IO_HANG_TIMEOUT`; `set: false` is sent here, as the RFC documents but does not do. */
  onHangTimeout(set: boolean, outage: Outage): void;
}

/** The outage's state and its one clock, which stands still while the backend is stopped or paused. */
export class HangStatus {
  #state: HangState = "normal";
  #outage: Outage | null = null;
  #count = 0;
  #timer: Timer | null = null;
  /** What is left of the timeout, ms, as of `#countedFrom`. */
  #left = 0;
  #countedFrom = 0;
  #frozen = false;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #listener: HangListener;

  constructor(clock: Clock, timeoutMs: number, listener: HangListener) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  get state(): HangState {
    return this.#state;
  }

  /** The outage that goes on; null when normal. */
  get outage(): Outage | null {
    return this.#outage;
  }

  /** How many outages there were. */
  get outages(): number {
    return this.#count;
  }

  /** A request is held: an outage begins, if none goes on. */
  begin(): void {
    if (this.#state !== "normal") return;
    this.#count += 1;
    this.#outage = {
      id: this.#count,
      startedAt: this.#clock.now(),
      startedAtRealtime: this.#clock.realtime(),
    };
    this.#left = this.#timeoutMs;
    this.#moveTo("hang");
    this.#arm();
    this.#listener.onHang(true, this.#outage);
  }

  /** Nothing is held any more (or, after the timeout, an I/O succeeded): the outage is over. */
  end(): void {
    if (this.#state === "normal") return;
    const outage = this.#outage!;
    const timedOut = this.#state === "timed-out";
    this.#disarm();
    this.#moveTo("normal");
    this.#outage = null;
    if (timedOut) this.#listener.onHangTimeout(false, outage);
    this.#listener.onHang(false, outage);
  }

  /** Stops the outage's clock, or lets it go on. */
  freeze(frozen: boolean): void {
    if (frozen === this.#frozen) return;
    if (frozen) this.#disarm();
    this.#frozen = frozen;
    if (!frozen) this.#arm();
  }

  /** Lets the outage last `ms` milliseconds longer before it times out. */
  extend(ms: number): void {
    if (this.#state !== "hang") return;
    this.#disarm();
    this.#left += ms;
    this.#arm();
  }

  /** Forgets the timer; for close. */
  dispose(): void {
    this.#disarm();
  }

  #moveTo(state: HangState): void {
    if (!NEXT_STATES[this.#state].includes(state)) throw new Error(`hang cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  #arm(): void {
    if (this.#state !== "hang" || this.#frozen || this.#left === Infinity) return;
    this.#countedFrom = this.#clock.now();
    this.#timer = this.#clock.setTimer(this.#left, () => {
      this.#timer = null;
      this.#moveTo("timed-out");
      this.#listener.onHangTimeout(true, this.#outage!);
    });
  }

  #disarm(): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
    this.#left = Math.max(0, this.#left - (this.#clock.now() - this.#countedFrom));
  }
}
