import type { RequestEntry } from "./request-entry.ts";

/** A doubly linked list through the entries themselves, ordered by age. */
export class RequestQueue {
  head: RequestEntry | null = null;
  tail: RequestEntry | null = null;
  /** Entries in the list. */
  count = 0;
  /** Payload bytes that they pin. */
  bytes = 0;
  /** Where the last insertion was: failures come nearly in order, so the next one belongs close by. */
  #hint: RequestEntry | null = null;

  /** Puts the entry at the end; for entries that are younger than all others, or where order does not matter. */
  append(entry: RequestEntry): void {
    this.#insertAfter(entry, this.tail);
  }

  /** Puts the entry behind all older ones. */
  insert(entry: RequestEntry): void {
    let place = this.#hint ?? this.tail;
    while (place !== null && place.seq > entry.seq) place = place.prev;
    if (place === null) {
      this.#insertAfter(entry, null);
    } else {
      while (place.next !== null && place.next.seq < entry.seq) place = place.next;
      this.#insertAfter(entry, place);
    }
    this.#hint = entry;
  }

  remove(entry: RequestEntry): void {
    const { prev, next } = entry;
    if (prev === null) this.head = next;
    else prev.next = next;
    if (next === null) this.tail = prev;
    else next.prev = prev;
    if (this.#hint === entry) this.#hint = prev ?? next;
    entry.prev = null;
    entry.next = null;
    this.count -= 1;
    this.bytes -= payloadBytes(entry);
  }

  /** A copy of the list, oldest first, for loops that change it. */
  snapshot(): RequestEntry[] {
    const entries: RequestEntry[] = [];
    for (let entry = this.head; entry !== null; entry = entry.next) entries.push(entry);
    return entries;
  }

  #insertAfter(entry: RequestEntry, place: RequestEntry | null): void {
    const next = place === null ? this.head : place.next;
    entry.prev = place;
    entry.next = next;
    if (place === null) this.head = entry;
    else place.next = entry;
    if (next === null) this.tail = entry;
    else next.prev = entry;
    this.count += 1;
    this.bytes += payloadBytes(entry);
  }
}

/** Bytes of buffer that a waiting request keeps from being used again. */
function payloadBytes(entry: RequestEntry): number {
  const request = entry.request!;
  return request.operation === "read" || request.operation === "write" ? request.length : 0;
}
