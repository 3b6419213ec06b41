/** The tokens of one text: token `i` is of `kinds[i]` and lies at `starts[i]`…`starts[i + 1]` of `bytes`. */
export interface TokenList {
  readonly count: number;
  readonly kinds: Uint8Array;
  readonly starts: Uint32Array;
  readonly bytes: Uint8Array;
}

/** The room between two texts; more than this is given back. */
const KEPT = 64;

/**
 * Collects the tokens of a text. A text of 1 MiB can have a million of them: in typed arrays they take five bytes each, and
 * the garbage collector does not look at them.
 */
export class TokenBuffer {
  #kinds: Uint8Array = new Uint8Array(KEPT);
  #starts: Uint32Array = new Uint32Array(KEPT + 1);
  count = 0;

  push(kind: number, start: number): void {
    if (this.count === this.#kinds.length) this.#grow();
    this.#kinds[this.count] = kind;
    this.#starts[this.count] = start;
    this.count += 1;
  }

  /** The tokens, the last of which ends at `end` of `bytes`; valid until the next {@link push} or {@link clear}. */
  finish(end: number, bytes: Uint8Array): TokenList {
    this.#starts[this.count] = end;
    return { count: this.count, kinds: this.#kinds, starts: this.#starts, bytes };
  }

  clear(): void {
    this.count = 0;
    if (this.#kinds.length === KEPT) return;
    this.#kinds = new Uint8Array(KEPT);
    this.#starts = new Uint32Array(KEPT + 1);
  }

  #grow(): void {
    const [kinds, starts] = [this.#kinds, this.#starts];
    this.#kinds = new Uint8Array(kinds.length * 2);
    this.#starts = new Uint32Array(kinds.length * 2 + 1);
    this.#kinds.set(kinds);
    this.#starts.set(starts);
  }
}
