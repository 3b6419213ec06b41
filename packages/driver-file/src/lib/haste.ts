/** ms; what a batch of cached writes needs is far less than this. */
const LONG = 1;
/** A pause, in batches: the first, and the longest. */
const FIRST_PAUSE = 64;
const LONGEST_PAUSE = 4096;

/**
 * Whether a file's next batch of writes is worth a thread that waits for it awake. It is while batches are short. Where they
 * are not, because the storage is slow or programs that compute want the processors, it pauses for longer and longer.
 */
export class Haste {
  readonly #now: () => number;
  #start: number | null = null;
  /** Batches that are left of the pause. */
  #pause = 0;
  #pauseLength = 0;

  /** @param now milliseconds since an arbitrary start, with fractions */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A batch begins. Is it worth it? */
  begin(): boolean {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return false;
    }
    this.#start = this.#now();
    return true;
  }

  /** The batch that began goes another way. */
  cancel(): void {
    this.#start = null;
  }

  /** The batch is over. */
  end(): void {
    if (this.#start === null) return;
    const isLong = this.#now() - this.#start > LONG;
    this.#start = null;
    this.#pauseLength = isLong ? Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, 2 * this.#pauseLength)) : 0;
    this.#pause = this.#pauseLength;
  }
}
