import { BlockError, type DriverCapabilities } from "@rehandle/driver-sdk";

import { Attempt, type AttemptOwner } from "./attempt.ts";

/** What a prober needs of the engine. */
export interface ProbeHost {
  readonly capabilities: DriverCapabilities;
  send(attempt: Attempt): void;
  settled(attempt: Attempt): void;
  abandon(attempt: Attempt): void;
  onProbeDone(error: BlockError | null): void;
}

/** Sends one small read, which changes nothing, to learn whether the storage answers. */
export class Prober implements AttemptOwner {
  sent = 0;
  #current: Attempt | null = null;
  readonly #host: ProbeHost;
  readonly #place: { offset?: number; length?: number };

  constructor(host: ProbeHost, place: { offset?: number; length?: number }) {
    this.#host = host;
    this.#place = place;
  }

  /** Sends a probe; ends in `onProbeDone`. Storage without a byte is probed by a flush. */
  send(): void {
    const { size, requestAlignment, maxTransfer } = this.#host.capabilities;
    const wanted = Math.max(requestAlignment, this.#place.length ?? 512);
    const length = Math.min(Math.ceil(wanted / requestAlignment) * requestAlignment, maxTransfer);
    const offset = Math.floor((this.#place.offset ?? 0) / requestAlignment) * requestAlignment;
    // A new object and a new buffer each time: an earlier probe may still be with the driver.
    const attempt = new Attempt((request, error) => this.#onDone(request as Attempt, error));
    attempt.owner = this;
    if (size < requestAlignment) {
      attempt.operation = "flush";
    } else {
      attempt.length = Math.min(length, Math.floor(size / requestAlignment) * requestAlignment);
      attempt.offset = Math.min(offset, Math.floor((size - attempt.length) / requestAlignment) * requestAlignment);
      attempt.iov = [new Uint8Array(attempt.length)];
    }
    this.sent += 1;
    this.#current = attempt;
    this.#host.send(attempt);
  }

  /** Whatever comes of the probe that is on its way no longer matters. */
  forget(): void {
    this.#current = null;
  }

  onOverdue(attempt: Attempt): void {
    attempt.owner = null;
    this.#current = null;
    this.#host.abandon(attempt);
    this.#host.onProbeDone(new BlockError("the storage did not answer the probe in time", { code: "ETIMEDOUT" }));
  }

  #onDone(attempt: Attempt, error: BlockError | null): void {
    this.#host.settled(attempt);
    if (this.#current !== attempt) return;
    this.#current = null;
    this.#host.onProbeDone(error);
  }
}
