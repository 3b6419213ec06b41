import type { PendingRequest } from "./pending-request.ts";

/**
 * The requests in flight on one connection. The low half of a cookie is the number of a slot, the high half counts how
 * often the slot was used: a late, repeated or forged cookie matches nothing.
 */
export class SlotTable {
  readonly capacity: number;
  #entries: (PendingRequest | null)[];
  #uses: Int32Array;
  #free: Int32Array;
  #freeCount: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#entries = Array.from({ length: capacity }, () => null);
    this.#uses = new Int32Array(capacity);
    this.#free = Int32Array.from({ length: capacity }, (_, at) => capacity - 1 - at);
    this.#freeCount = capacity;
  }

  /** How many requests are in flight. */
  get used(): number {
    return this.capacity - this.#freeCount;
  }

  get isFull(): boolean {
    return this.#freeCount === 0;
  }

  /** Puts a request into a free slot, of which there must be one, and notes it in `pending.slot`. */
  put(pending: PendingRequest): void {
    this.#freeCount -= 1;
    const slot = this.#free[this.#freeCount]!;
    this.#entries[slot] = pending;
    pending.slot = slot;
  }

  /** The high half of the cookie of the request that is in `slot` now. */
  cookieHigh(slot: number): number {
    return this.#uses[slot]!;
  }

  /** The request that has this cookie, or null. Takes any two numbers. */
  find(cookieHigh: number, cookieLow: number): PendingRequest | null {
    const entry = this.#entries[cookieLow] ?? null;
    return entry !== null && this.#uses[cookieLow] === cookieHigh ? entry : null;
  }

  /** Empties a slot. */
  clear(slot: number): void {
    this.#entries[slot] = null;
    this.#uses[slot] = (this.#uses[slot]! + 1) | 0;
    this.#free[this.#freeCount] = slot;
    this.#freeCount += 1;
  }

  /** Empties all slots and returns what was in them, oldest submission first. */
  clearAll(): PendingRequest[] {
    const all = this.#entries.filter((entry) => entry !== null);
    for (const pending of all) this.clear(pending.slot);
    return all.toSorted((a, b) => a.serial - b.serial);
  }
}
