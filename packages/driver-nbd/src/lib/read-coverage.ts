/** More scattered pieces than any honest server sends; bounds the memory that a hostile one can take. */
const MAX_ISLANDS = 4096;

/** Which bytes of a read have arrived: they may come in any order, but each only once, and all of them must. */
export class ReadCoverage {
  /** Everything before it has arrived. */
  #prefix = 0;
  /** Starts and ends, in turns, of what has arrived beyond the prefix: sorted, apart from each other. Null while in order. */
  #islands: number[] | null = null;

  /** Forgets everything. */
  reset(): void {
    this.#prefix = 0;
    this.#islands = null;
  }

  /** Bytes 0 … `length` have all arrived. */
  isComplete(length: number): boolean {
    return this.#prefix === length;
  }

  /** Notes `length` > 0 bytes at `start`. False if some of them had arrived before, or if there are too many pieces. */
  add(start: number, length: number): boolean {
    const end = start + length;
    if (this.#islands !== null) return this.#addAmong(this.#islands, start, end);
    if (start < this.#prefix) return false;
    if (start === this.#prefix) this.#prefix = end;
    else this.#islands = [start, end];
    return true;
  }

  #addAmong(islands: number[], start: number, end: number): boolean {
    const at = firstEndAfter(islands, start);
    const nextStart = islands[at] ?? Infinity;
    const before = at === 0 ? this.#prefix : islands[at - 1]!;
    if (start < before || end > nextStart) return false;
    const joinsBefore = start === before;
    const joinsNext = end === nextStart;
    if (joinsBefore && at === 0) {
      this.#prefix = joinsNext ? islands[1]! : end;
      if (joinsNext) islands.splice(0, 2);
      if (islands.length === 0) this.#islands = null;
    } else if (joinsBefore && joinsNext) islands.splice(at - 1, 2);
    else if (joinsBefore) islands[at - 1] = end;
    else if (joinsNext) islands[at] = start;
    else if (islands.length >= 2 * MAX_ISLANDS) return false;
    else islands.splice(at, 0, start, end);
    return true;
  }
}

/** The index (an even one) of the first island that ends after `start`. */
function firstEndAfter(islands: readonly number[], start: number): number {
  let low = 0;
  let high = islands.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (islands[2 * middle + 1]! > start) high = middle;
    else low = middle + 1;
  }
  return 2 * low;
}
