import type { Clock, Timer } from "@rehandle/driver-sdk";
import { BlockError } from "@rehandle/driver-sdk";
import type { Backoff } from "./backoff.ts";

/** What a {@link Reconnector} needs. */
export interface ReconnectorOptions<T> {
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** A try that takes longer is given up, ms. */
  readonly timeoutMs: number;
  /** Two tries are at least this far apart, ms, even if the first succeeded. */
  readonly spacingMs: number;
  /** One try. It must settle when the signal is aborted. */
  readonly attempt: (signal: AbortSignal) => Promise<T>;
  /** A try succeeded. True: good, the trying ends. False: go on trying. */
  readonly onSuccess: (result: T) => boolean;
  /** A try failed. Returns whether it was refused at once and so cheaply that it can soon be tried again. */
  readonly onFailure: (error: unknown) => boolean;
  /** A result came after the trying was stopped: let go of it. */
  readonly discard: (result: T) => void;
}

/** `idle`: not wanted; `pausing`: between two tries; `trying`: a try is under way. */
type Phase = "idle" | "pausing" | "trying";

/** Tries again and again. Pauses are counted from the start of a try: one that was slow to fail has waited already. */
export class Reconnector<T> {
  readonly #options: ReconnectorOptions<T>;
  #phase: Phase = "idle";
  #timer: Timer | null = null;
  #abort: AbortController | null = null;
  #lastStart = -Infinity;
  /** Counts starts and stops, so that a callback can be seen to have done either. */
  #turn = 0;

  constructor(options: ReconnectorOptions<T>) {
    this.#options = options;
  }

  /** True while it is trying, or pausing between tries. */
  get isActive(): boolean {
    return this.#phase !== "idle";
  }

  /** Begins, at once unless the last try has only just been. */
  start(): void {
    if (this.#phase !== "idle") return;
    this.#turn += 1;
    this.#options.backoff.reset();
    this.#pause(this.#options.spacingMs);
  }

  /** Ends a pause. */
  now(): void {
    if (this.#phase === "pausing") this.#try();
  }

  /** Ends the trying. */
  stop(): void {
    this.#turn += 1;
    this.#timer?.cancel();
    this.#timer = null;
    this.#phase = "idle";
    this.#abort?.abort(new BlockError("the connection is no longer wanted", { code: "ECANCELED" }));
    this.#abort = null;
  }

  /** Waits until `ms` after the start of the last try. */
  #pause(ms: number): void {
    const { clock } = this.#options;
    const wait = this.#lastStart + ms - clock.now();
    this.#phase = "pausing";
    if (wait <= 0) this.#try();
    else this.#timer = clock.setTimer(wait, () => this.#try());
  }

  #try(): void {
    const { clock, attempt, timeoutMs, onSuccess, onFailure, discard } = this.#options;
    this.#timer?.cancel();
    this.#phase = "trying";
    this.#lastStart = clock.now();
    const abort = new AbortController();
    this.#abort = abort;
    const timer = clock.setTimer(timeoutMs, () => {
      const message = `the server did not finish the handshake within ${timeoutMs} ms`;
      abort.abort(new BlockError(message, { code: "ETIMEDOUT", errorClass: "transport" }));
    });
    attempt(abort.signal).then(
      (result) => {
        timer.cancel();
        if (this.#abort === abort) this.#end(() => (onSuccess(result) ? "done" : "failed"));
        else discard(result);
      },
      (error: unknown) => {
        timer.cancel();
        if (this.#abort === abort) this.#end(() => (onFailure(error) ? "refused" : "failed"));
      },
    );
  }

  /** A try is over; what `judge` says of it counts unless it has stopped the trying, or started it anew. */
  #end(judge: () => "done" | "failed" | "refused"): void {
    this.#abort = null;
    this.#phase = "idle";
    const turn = this.#turn;
    const outcome = judge();
    if (outcome === "done" || this.#turn !== turn) return;
    this.#pause(this.#options.backoff.afterFailure(outcome === "refused"));
  }
}
