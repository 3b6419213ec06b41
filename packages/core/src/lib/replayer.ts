import { BlockError, type BlockRequest, type DriverCapabilities } from "@rehandle/driver-sdk";

import { Attempt, type AttemptOwner } from "./attempt.ts";
import { RangeItem } from "./range-item.ts";
import type { ReplayLog, ReplayRecord, Slab } from "./replay-log.ts";

/** How many writes of the log are on their way at once. */
const WINDOW = 64;

/** What the replayer needs of the engine. */
export interface ReplayHost {
  /** Nothing is paused, stopped or drained. */
  readonly maySend: boolean;
  /** What the storage has now; it may have shrunk since the log's writes. */
  readonly capabilities: DriverCapabilities;
  /** Gives the attempt to the driver. */
  send(attempt: Attempt): void;
  /** The attempt is no longer with the driver. */
  settled(attempt: Attempt): void;
  /** True if an attempt of a client, or a fenced one, may still land in the range. */
  isLanding(start: number, end: number): boolean;
  /** Keeps later requests out of the range of an attempt that was given up. */
  fence(fence: RangeItem): void;
  unfence(fence: RangeItem): void;
  abandon(attempt: Attempt): void;
  onReplayDone(records: number, bytes: number): void;
  onReplayFailed(error: BlockError): void;
}

interface Run {
  readonly record: Readonly<ReplayRecord>;
  readonly slab: Slab | null;
}

/** Writes the log again, oldest first, overlapping writes one after the other. */
export class Replayer implements AttemptOwner {
  /** The backend may have lost the log's writes, and they have not all been written again. */
  needed = false;
  running = false;
  /** Writes written again over the backend's life. */
  replayed = 0;
  #filling = false;
  #next = 0;
  #bytes = 0;
  readonly #current = new Map<Attempt, Run>();
  readonly #log: ReplayLog;
  readonly #host: ReplayHost;

  constructor(log: ReplayLog, host: ReplayHost) {
    this.#log = log;
    this.#host = host;
  }

  /** A new instance may be behind the driver: everything has to be written again, from the oldest. */
  require(): void {
    this.stop();
    this.needed = this.#log.count > 0;
  }

  /** Starts, starts again, or goes on after a pause. Ends with `onReplayDone` or `onReplayFailed`. */
  start(): void {
    if (!this.needed) return;
    if (!this.running) {
      this.#next = 0;
      this.#bytes = 0;
    }
    this.running = true;
    this.fill();
  }

  /** Gives up what is under way; attempts that may still land are fenced. */
  stop(): void {
    this.running = false;
    for (const attempt of this.#current.keys()) this.#giveUp(attempt);
  }

  /** Sends more, if something that stood in the way is over. */
  fill(): void {
    // A driver that completes from within `submit` would lead back here for each record.
    if (this.#filling) return;
    this.#filling = true;
    this.#fillOnce();
    this.#filling = false;
    if (this.running && this.#current.size === 0 && this.#next >= this.#log.count) this.#finish();
  }

  #fillOnce(): void {
    const { size } = this.#host.capabilities;
    while (this.running && this.#host.maySend && this.#current.size < WINDOW && this.#next < this.#log.count) {
      const whole = this.#log.at(this.#next);
      // What the storage no longer has cannot be lost. A copy, because the log may be cut meanwhile.
      const record = { ...whole, length: Math.min(whole.length, size - whole.offset) };
      if (record.length <= 0) {
        this.#next += 1;
        continue;
      }
      const end = record.offset + record.length;
      if (this.#overlapsCurrent(record.offset, end) || this.#host.isLanding(record.offset, end)) return;
      this.#next += 1;
      this.#bytes += record.length;
      this.#send(record);
    }
  }

  onOverdue(attempt: Attempt): void {
    const error = new BlockError("the storage did not answer a write of the replay log in time", { code: "ETIMEDOUT" });
    this.#giveUp(attempt);
    this.#host.abandon(attempt);
    this.#fail(error);
  }

  #finish(): void {
    this.running = false;
    this.needed = false;
    this.replayed += this.#log.count;
    this.#host.onReplayDone(this.#log.count, this.#bytes);
  }

  #fail(error: BlockError): void {
    if (!this.running) return;
    this.stop();
    this.#host.onReplayFailed(error);
  }

  #send(record: Readonly<ReplayRecord>): void {
    const attempt = new Attempt((request, error) => this.#onDone(request, error));
    const { operation, offset, length, flags, slab, at } = record;
    Object.assign(attempt, { operation, offset, length, flags, owner: this });
    if (slab !== null) {
      attempt.iov = [slab.bytes.subarray(at, at + length)];
      this.#log.pin(slab);
    }
    this.#current.set(attempt, { record, slab });
    this.#host.send(attempt);
  }

  #onDone(request: BlockRequest, error: BlockError | null): void {
    const attempt = request as Attempt;
    this.#host.settled(attempt);
    const run = this.#current.get(attempt);
    if (run === undefined) return;
    this.#current.delete(attempt);
    if (run.slab !== null) this.#log.unpin(run.slab);
    if (error !== null) this.#fail(error);
    else this.fill();
  }

  /** The attempt's end no longer counts, but its memory and its range stay guarded until then. */
  #giveUp(attempt: Attempt): void {
    const run = this.#current.get(attempt);
    if (run === undefined) return;
    this.#current.delete(attempt);
    const fence = new RangeItem(true);
    fence.start = attempt.offset;
    fence.end = attempt.offset + attempt.length;
    fence.mutates = true;
    attempt.owner = null;
    attempt.fence = fence;
    this.#host.fence(fence);
    attempt.complete = () => {
      if (run.slab !== null) this.#log.unpin(run.slab);
      this.#host.settled(attempt);
      this.#host.unfence(fence);
    };
  }

  #overlapsCurrent(start: number, end: number): boolean {
    for (const attempt of this.#current.keys()) {
      if (attempt.offset < end && start < attempt.offset + attempt.length) return true;
    }
    return false;
  }
}
