/** A pause, in times that it was asked: the first, and the longest. */
const FIRST_PAUSE = 64;
const LONGEST_PAUSE = 4096;
/** What a peer needs to answer a few requests takes less than this, ms; a program that computes keeps the processor for more. */
const LONG = 0.5;

/**
 * Lets other programs run before it goes on: a peer on the same machine then answers several requests meanwhile, which costs
 * both sides one call and one turn instead of several.
 *
 * A program that computes would keep the processor for milliseconds each time. Where that happens it pauses for longer and
 * longer, so that it costs next to nothing.
 */
export class GiveWay {
  readonly #now: () => number;
  readonly #schedYield: () => void;
  /** How often it is asked in vain before it does so again. */
  #pause = 0;
  #pauseLength = 0;

  /**
   * @param now milliseconds since an arbitrary start, with fractions
   * @param schedYield lets others run that wait for this processor; returns at once if there are none
   */
  constructor(now: () => number, schedYield: () => void) {
    this.#now = now;
    this.#schedYield = schedYield;
  }

  /** Lets others run, unless that took long lately. */
  run(): void {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return;
    }
    const start = this.#now();
    this.#schedYield();
    if (this.#now() - start < LONG) {
      this.#pauseLength = 0;
      return;
    }
    this.#pauseLength = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, 2 * this.#pauseLength));
    this.#pause = this.#pauseLength;
  }
}
