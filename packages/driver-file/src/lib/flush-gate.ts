import { BlockError, toBlockError } from "@rehandle/driver-sdk";

import type { Done, SystemError } from "./file-system.ts";

/** Told how a flush ended; `argument` is what was given along, so that no closure is needed. */
export type Flushed<T> = (argument: T, error: BlockError | null) => void;

/**
 * Makes one fdatasync(2) serve everybody who waited when it began, and remembers a failure.
 *
 * When the write-back of the page cache fails, Linux drops the dirty pages (or marks them clean), tells of it once, and says
 * success the next time although the data is gone. So every flush after a failed one fails as well, for as long as the file
 * is open; QEMU does the same. With O_DIRECT there are no dirty pages of ours to lose, and a flush may succeed later.
 */
export class FlushGate<T> {
  readonly #sync: (done: Done) => void;
  readonly #sticky: boolean;
  readonly #flushed: Flushed<T>;
  #waiting: T[] = [];
  #running: T[] = [];
  #firstFailure: BlockError | null = null;

  /**
   * @param sync makes stable what was written so far
   * @param sticky a failure is for ever
   */
  constructor(sync: (done: Done) => void, sticky: boolean, flushed: Flushed<T>) {
    this.#sync = sync;
    this.#sticky = sticky;
    this.#flushed = flushed;
  }

  /** What every further flush fails with; null while none has failed for good. */
  get failure(): BlockError | null {
    if (this.#firstFailure === null) return null;
    return new BlockError("An earlier flush failed, and writes may be lost until the file is opened anew", {
      code: "EIO",
      errorClass: "permanent",
      operation: "flush",
      cause: this.#firstFailure,
    });
  }

  /** Joins the next fdatasync: the running one may have begun too early to cover what this one must. */
  flush(argument: T): void {
    this.#waiting.push(argument);
    if (this.#running.length === 0) this.#begin();
  }

  #begin(): void {
    const idle = this.#running;
    this.#running = this.#waiting;
    this.#waiting = idle;
    if (this.#firstFailure === null) this.#sync(this.#onSynced);
    else this.#end(this.failure);
  }

  readonly #onSynced = (error: SystemError): void => {
    if (error === null) {
      this.#end(null);
    } else if (error.code === "EINTR") {
      this.#sync(this.#onSynced);
    } else {
      this.#end(this.#fail(error));
    }
  };

  #fail(error: Error): BlockError {
    if (!this.#sticky) return toBlockError(error, { operation: "flush" });
    this.#firstFailure = toBlockError(error, { operation: "flush", errorClass: "permanent" });
    return this.#firstFailure;
  }

  #end(error: BlockError | null): void {
    const served = this.#running;
    // Whoever flushes from within a callback waits for the next round.
    for (const argument of served) this.#flushed(argument, error);
    served.length = 0;
    if (this.#waiting.length > 0) this.#begin();
  }
}
