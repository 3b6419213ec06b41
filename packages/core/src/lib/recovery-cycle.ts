import type { RequestEntry } from "./request-entry.ts";
import type { RequestQueue } from "./request-queue.ts";

/** How held requests are let go after an outage. */
export interface RampOptions {
  /** How many go first. Default 1. Range ≥ 1. */
  initial?: number;
  /** When all of a window succeeded, the next is this many times as wide. Default 2. Range ≥ 1. */
  factor?: number;
  /** The widest window. Default 1024. Range ≥ initial. */
  max?: number;
}

/** Failures in a row, with no success between, after which a cycle gives up until the next probe. */
const FAILURES_TO_GIVE_UP = 4;

/** What a cycle needs of the engine. */
export interface CycleHost {
  readonly queue: RequestQueue;
  /** The entry waits for nothing but the storage, and the gate lets it through. */
  isSendable(entry: RequestEntry): boolean;
  start(entry: RequestEntry): void;
  /** Nothing is left that could be sent; requests that are on their way may still be. */
  onBacklogEmpty(): void;
  /** Everything that was sent has come back. */
  onCycleEnd(): void;
}

/**
 * Sends the held requests again: oldest first, one at first, more with each success. An error that the storage answers
 * narrows the window and skips the request, so that one bad sector does not keep the others waiting; after four in a row the
 * cycle ends, and the next one goes on behind the last that was tried.
 */
export class RecoveryCycle {
  active = false;
  /** Tells the sends of this cycle from those of earlier ones. */
  number = 0;
  #window = 1;
  #inFlight = 0;
  #failures = 0;
  #cursor: RequestEntry | null = null;
  #wrapped = false;
  #filling = false;
  #again = false;
  /** Entries that the cursor passed while they were blocked. */
  #ready: RequestEntry[] = [];
  readonly #host: CycleHost;
  readonly #ramp: Required<RampOptions>;

  /** @throws RangeError for a number out of its range. */
  constructor(host: CycleHost, ramp: RampOptions) {
    const { initial = 1, factor = 2, max = Math.max(1024, initial) } = ramp;
    if (!(initial >= 1 && factor >= 1 && max >= initial)) {
      throw new RangeError("ramp needs initial >= 1, factor >= 1 and max >= initial");
    }
    this.#host = host;
    this.#ramp = { initial, factor, max };
  }

  /** Begins a cycle; goes on behind the request that was tried last, unless `fromOldest`. */
  begin(fromOldest: boolean): void {
    this.active = true;
    this.number += 1;
    this.#window = this.#ramp.initial;
    this.#inFlight = 0;
    this.#failures = 0;
    if (fromOldest || this.#cursor === null) this.#cursor = this.#host.queue.head;
    this.#wrapped = this.#cursor === this.#host.queue.head;
    this.#ready = [];
    this.fill();
  }

  /** Ends the cycle at once; what it sent no longer counts. */
  abort(): void {
    this.active = false;
    this.#ready = [];
    this.#cursor = null;
  }

  /** Sends as much as the window allows. */
  fill(): void {
    if (!this.active) return;
    if (this.#filling) {
      this.#again = true;
      return;
    }
    this.#filling = true;
    do {
      this.#again = false;
      this.#fillOnce();
    } while (this.#again && this.active);
    this.#filling = false;
    if (this.active && this.#inFlight === 0) this.#end();
  }

  /** An entry was put at the end of the queue. */
  onAppended(entry: RequestEntry): void {
    if (!this.active) return;
    this.#cursor ??= entry;
    this.fill();
  }

  /** An entry leaves the queue. */
  onRemoved(entry: RequestEntry): void {
    if (this.#cursor === entry) this.#cursor = entry.next;
  }

  /** A queued entry waits for no other any more. */
  onUnblocked(entry: RequestEntry): void {
    if (!this.active) return;
    this.#ready.push(entry);
    this.fill();
  }

  /** A request that was sent by the cycle `number` succeeded. */
  onSuccess(number: number): void {
    if (!this.active || number !== this.number) return;
    this.#inFlight -= 1;
    this.#failures = 0;
    this.#window = Math.min(this.#ramp.max, this.#window + this.#ramp.factor - 1);
    this.fill();
  }

  /** A request that was sent by the cycle `number` failed although the storage answers. */
  onFailure(number: number): void {
    if (!this.active || number !== this.number) return;
    this.#inFlight -= 1;
    this.#failures += 1;
    this.#window = Math.max(1, Math.floor(this.#window / 2));
    if (this.#failures >= FAILURES_TO_GIVE_UP) this.#end();
    else this.fill();
  }

  #fillOnce(): void {
    while (this.active && this.#inFlight < Math.floor(this.#window)) {
      const entry = this.#pick();
      if (entry === null) {
        this.#host.onBacklogEmpty();
        return;
      }
      entry.cycle = this.number;
      this.#inFlight += 1;
      this.#host.start(entry);
    }
  }

  #end(): void {
    this.active = false;
    this.#host.onCycleEnd();
  }

  #pick(): RequestEntry | null {
    const ready = this.#ready;
    while (ready.length > 0) {
      const entry = ready.shift()!;
      if (this.#isDue(entry)) return entry;
    }
    for (;;) {
      const entry = this.#cursor;
      if (entry === null) {
        if (this.#wrapped) return null;
        this.#wrapped = true;
        this.#cursor = this.#host.queue.head;
        if (this.#cursor === null) return null;
        continue;
      }
      this.#cursor = entry.next;
      if (this.#isDue(entry)) return entry;
    }
  }

  #isDue(entry: RequestEntry): boolean {
    return entry.cycle !== this.number && this.#host.isSendable(entry);
  }
}
