/** Bounds of an {@link EventQueue}. */
export interface EventQueueLimits {
  /** Values that may wait. */
  readonly count: number;
  /** Bytes of text that they may have come from. One value may always wait, whatever its size. */
  readonly bytes: number;
}

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
}

interface Taker<T> {
  resolve(result: IteratorResult<T>): void;
  reject(reason: unknown): void;
}

/** Iterates over values that come when they come. When nobody takes them, the oldest are let go beyond a bound. */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #limits: EventQueueLimits;
  readonly #onEnd: () => void;
  #entries: Entry<T>[] = [];
  #first = 0;
  #bytes = 0;
  #takers: Taker<T>[] = [];
  #ended = false;
  /** What the next who asks is told, once. */
  #failure: { readonly reason: unknown } | undefined;
  #dropped = 0;

  constructor(limits: EventQueueLimits, onEnd: () => void) {
    this.#limits = limits;
    this.#onEnd = onEnd;
  }

  /** Values that were let go because nobody took them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  push(value: T, bytes: number): void {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.resolve({ value, done: false });
      return;
    }
    this.#entries.push({ value, bytes });
    this.#bytes += bytes;
    while (this.#isTooLong()) {
      this.#shift();
      this.#dropped++;
    }
  }

  /** No more values will come; those that are here can still be taken. */
  end(): void {
    if (!this.#finish()) return;
    for (const taker of this.#takers.splice(0)) taker.resolve({ value: undefined, done: true });
  }

  /** Lets go of all that is here: who waits, or else who asks next, gets the reason. */
  abort(reason: unknown): void {
    if (!this.#finish()) return;
    this.#clear();
    if (this.#takers.length === 0) this.#failure = { reason };
    for (const taker of this.#takers.splice(0)) taker.reject(reason);
  }

  next(): Promise<IteratorResult<T>> {
    const entry = this.#shift();
    if (entry !== undefined) return Promise.resolve({ value: entry.value, done: false });
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return Promise.reject(failure.reason);
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => void this.#takers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T>> {
    this.#clear();
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #isTooLong(): boolean {
    const count = this.#entries.length - this.#first;
    return count > this.#limits.count || (count > 1 && this.#bytes > this.#limits.bytes);
  }

  #shift(): Entry<T> | undefined {
    const entry = this.#entries[this.#first];
    if (entry === undefined) return undefined;
    this.#first++;
    this.#bytes -= entry.bytes;
    // Moves the rest only when as much has been taken: no value is moved more than once on average.
    if (this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return entry;
  }

  #clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  #finish(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#onEnd();
    return true;
  }
}
