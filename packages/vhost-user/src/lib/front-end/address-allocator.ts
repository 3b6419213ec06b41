interface Range {
  start: number;
  /** First address behind it. */
  end: number;
}

/** Gives out runs of guest addresses, first fit; for the control path, requests keep what they got. */
export class AddressAllocator {
  /** Sorted; two that touch are of different runs that were added. */
  readonly #free: Range[] = [];
  readonly #taken: Map<number, number> = new Map();
  /** Where runs that were added begin and end. */
  readonly #starts: Set<number> = new Set();

  /** Adds `size` bytes from `start` on to what may be given out. Nothing given out reaches from one such run into another. */
  add(start: number, size: number): void {
    this.#starts.add(start).add(start + size);
    this.#release(start, start + size);
  }

  /**
   * The address of `size` bytes (> 0) that nobody else has, a multiple of `alignment`.
   * @throws RangeError if there is no such run.
   */
  allocate(size: number, alignment = 16): number {
    for (const [index, range] of this.#free.entries()) {
      const start = Math.ceil(range.start / alignment) * alignment;
      const end = start + size;
      if (end > range.end) continue;
      const left = [
        { start: range.start, end: start },
        { start: end, end: range.end },
      ];
      this.#free.splice(index, 1, ...left.filter((rest) => rest.start < rest.end));
      this.#taken.set(start, size);
      return start;
    }
    throw new RangeError(`guest memory has no ${size} bytes left`);
  }

  /** Takes back what `allocate` gave out. @throws RangeError for an address that it did not. */
  free(address: number): void {
    const size = this.#taken.get(address);
    if (size === undefined) throw new RangeError(`guest address ${address} was not allocated`);
    this.#taken.delete(address);
    this.#release(address, address + size);
  }

  /** Takes runs back that lie from `start` on and fill `size` bytes. False, and nothing changes, if a part of them is given out. */
  withdraw(start: number, size: number): boolean {
    const inside = ({ start: at }: Range): boolean => at >= start && at < start + size;
    const bytes = this.#free.filter(inside).reduce((sum, range) => sum + range.end - range.start, 0);
    if (bytes !== size) return false;
    for (let at = this.#free.findIndex(inside); at !== -1; at = this.#free.findIndex(inside)) this.#free.splice(at, 1);
    return true;
  }

  #release(start: number, end: number): void {
    const after = this.#free.findIndex((range) => range.start >= end);
    const at = after === -1 ? this.#free.length : after;
    const before = this.#free[at - 1];
    const next = this.#free[at];
    const joinsBefore = before?.end === start && !this.#starts.has(start);
    const joinsNext = next?.start === end && !this.#starts.has(end);
    const merged = { start: joinsBefore ? before.start : start, end: joinsNext ? next.end : end };
    const from = joinsBefore ? at - 1 : at;
    this.#free.splice(from, (joinsNext ? at + 1 : at) - from, merged);
  }
}
