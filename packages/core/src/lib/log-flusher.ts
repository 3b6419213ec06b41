import { BlockError } from "@rehandle/driver-sdk";

import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { ReplayLog } from "./replay-log.ts";

/** What the flusher needs of the engine. */
export interface FlushHost {
  readonly generation: number;
  send(attempt: Attempt): void;
  settled(attempt: Attempt): void;
  abandon(attempt: Attempt): void;
  onLogFlushed(): void;
  onLogFlushFailed(error: BlockError): void;
}

/** Cuts the replay log by a flush of the engine's own, one at a time, before clients' writes have to wait for room. */
export class LogFlusher implements AttemptOwner {
  #current: Attempt | null = null;
  readonly #log: ReplayLog;
  readonly #host: FlushHost;

  constructor(log: ReplayLog, host: FlushHost) {
    this.#log = log;
    this.#host = host;
  }

  /** Sends a flush, unless one is on its way. */
  send(): void {
    if (this.#current !== null) return;
    const attempt = new Attempt((request, error) => this.#onDone(request as Attempt, error));
    attempt.operation = "flush";
    attempt.owner = this;
    attempt.generation = this.#host.generation;
    attempt.logPosition = this.#log.position;
    this.#current = attempt;
    this.#host.send(attempt);
  }

  onOverdue(attempt: Attempt): void {
    attempt.owner = null;
    this.#current = null;
    this.#host.abandon(attempt);
    this.#host.onLogFlushFailed(new BlockError("the storage did not answer a flush in time", { code: "ETIMEDOUT" }));
  }

  #onDone(attempt: Attempt, error: BlockError | null): void {
    this.#host.settled(attempt);
    if (this.#current !== attempt) return;
    this.#current = null;
    if (error !== null) {
      this.#host.onLogFlushFailed(error);
    } else {
      // The flush of an instance that is gone cuts nothing, but whoever waits for room needs another one.
      if (attempt.generation === this.#host.generation) this.#log.trim(attempt.logPosition);
      this.#host.onLogFlushed();
    }
  }
}
