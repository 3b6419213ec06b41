import type { Clock, Timer } from "./clock.ts";

/** A clock that stands still until it is told to move. Timers that are due at the same time run in the order they were set. */
export interface VirtualClock extends Clock {
  /** Moves on by `ms` milliseconds and runs every timer that falls due on the way, each at its own time. */
  advance(ms: number): void;
  /** Moves to the next timer and runs it. False, and nothing happened, if no timer is set. */
  step(): boolean;
  /** How many timers are set. */
  readonly pending: number;
  /** When the next timer is due, in the terms of `now()`; undefined if none is set. */
  readonly nextDue: number | undefined;
}

/** Options of {@link createVirtualClock}. */
export interface VirtualClockOptions {
  /** What `now()` says at first, ms. Default 0. */
  start?: number;
  /** What `realtime()` says at first, ms since 1970. Default 1600000000000 (September 2020). */
  realtimeStart?: number;
}

interface Entry {
  due: number;
  order: number;
  callback: () => void;
  cancelled: boolean;
}

/** A {@link VirtualClock}. Setting, cancelling and running a timer cost O(log n). */
export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const { start = 0, realtimeStart = 1_600_000_000_000 } = options;
  const heap: Entry[] = [];
  let now = start;
  let order = 0;
  let live = 0;

  function peek(): Entry | undefined {
    while (heap.length > 0 && heap[0]!.cancelled) popHeap(heap);
    return heap[0];
  }

  function step(): boolean {
    const entry = peek();
    if (entry === undefined) return false;
    popHeap(heap);
    live -= 1;
    entry.cancelled = true;
    now = Math.max(now, entry.due);
    entry.callback();
    return true;
  }

  return {
    now: () => now,
    realtime: () => realtimeStart + (now - start),
    setTimer(ms, callback): Timer {
      const entry: Entry = { due: now + Math.max(0, ms), order: order++, callback, cancelled: false };
      pushHeap(heap, entry);
      live += 1;
      return {
        cancel() {
          if (entry.cancelled) return;
          entry.cancelled = true;
          live -= 1;
        },
      };
    },
    advance(ms) {
      const end = now + ms;
      for (let next = peek(); next !== undefined && next.due <= end; next = peek()) step();
      now = Math.max(now, end);
    },
    step,
    get pending() {
      return live;
    },
    get nextDue() {
      return peek()?.due;
    },
  };
}

function before(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

function pushHeap(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(entry, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function popHeap(heap: Entry[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
