/** Iterates over values that come when they come. When nobody takes them, the oldest are let go beyond a bound. */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #limit: number;
  readonly #onEnd: () => void;
  readonly #values: T[] = [];
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #ended = false;
  #dropped = 0;

  constructor(limit: number, onEnd: () => void) {
    this.#limit = limit;
    this.#onEnd = onEnd;
  }

  /** Values that were let go because nobody took them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  push(value: T): void {
    if (this.#ended) return;
    const taker = this.#waiting.shift();
    if (taker !== undefined) {
      taker({ value, done: false });
      return;
    }
    this.#values.push(value);
    if (this.#values.length <= this.#limit) return;
    this.#values.shift();
    this.#dropped++;
  }

  /** No more values will come; those that are here can still be taken. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    for (const taker of this.#waiting.splice(0)) taker({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T>> {
    const [value] = this.#values.splice(0, 1);
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.#values.length = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
