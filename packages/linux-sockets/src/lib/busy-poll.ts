/** Turns of the event loop, about a microsecond each, that are made before it may sleep. */
const MOST_TURNS = 64;
/** Times in a row that all turns were made in vain before the first pause. */
const PATIENCE = 4;
/** Longest pause, in times that something came. */
const LONGEST_PAUSE = 1024;

/**
 * Keeps the event loop awake for a moment after something came, because the next is often close behind: with one request
 * under way, the client's answer to ours. Waking a processor that sleeps can take longer than all that a request needs,
 * above all in a virtual machine. It is what QEMU's `poll-max-ns` is for.
 *
 * Where it pays, it goes on; where it does not, it pauses for longer and longer, so that a client that is in no hurry costs
 * next to nothing. It counts turns and asks no clock.
 */
export class BusyPoll {
  readonly #schedule: (turn: () => void) => void;
  #turnsLeft = 0;
  /** Times in a row that nothing came while it turned. */
  #vain = 0;
  /** How often something has to come before it turns again. */
  #pause = 0;
  #pauseLength = 0;

  /** @param schedule calls back on the next turn of the event loop, and keeps it from sleeping until then */
  constructor(schedule: (turn: () => void) => void) {
    this.#schedule = schedule;
  }

  /** Something came, and what there was to do about it is done. */
  came(): void {
    if (this.#turnsLeft > 0) {
      this.#vain = 0;
      this.#pauseLength = 0;
      this.#turnsLeft = MOST_TURNS;
    } else if (this.#pause > 0) {
      this.#pause -= 1;
    } else {
      this.#turnsLeft = MOST_TURNS;
      this.#schedule(this.#turn);
    }
  }

  readonly #turn = (): void => {
    this.#turnsLeft -= 1;
    if (this.#turnsLeft > 0) this.#schedule(this.#turn);
    else this.#wasVain();
  };

  #wasVain(): void {
    this.#vain += 1;
    if (this.#vain < PATIENCE) return;
    this.#pauseLength = Math.min(LONGEST_PAUSE, Math.max(PATIENCE, 2 * this.#pauseLength));
    this.#pause = this.#pauseLength;
  }
}
