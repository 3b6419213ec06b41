import type { BlockError, BlockRequest } from "@rehandle/driver-sdk";

import type { Attempt, AttemptOwner } from "./attempt.ts";
import type { Direction } from "./policy.ts";
import { NEXT_FLAG, RangeItem } from "./range-item.ts";
import type { TimelineItem } from "./timeline.ts";

/** Where a request is. Numbers, because the transition table is asked twice for every request. */
export const EntryState = {
  /** In the pool. */
  IDLE: 0,
  /** Admitted, nothing of it is with the driver. */
  QUEUED: 1,
  /** An attempt is with the driver. */
  IN_FLIGHT: 2,
  /** The attempt took too long, counts as failed, and its buffers are still with the driver. */
  OVERDUE: 3,
} as const;

/** One of {@link EntryState}. */
export type EntryState = (typeof EntryState)[keyof typeof EntryState];

const NAMES = ["idle", "queued", "in-flight", "overdue"] as const;

/** What may follow what: a set of states, as bits, for each. Anything else is a defect of the engine, and throws. */
const NEXT_STATES: readonly number[] = [
  setOf(EntryState.QUEUED, EntryState.IN_FLIGHT),
  setOf(EntryState.IN_FLIGHT, EntryState.IDLE),
  setOf(EntryState.IDLE, EntryState.QUEUED, EntryState.OVERDUE),
  setOf(EntryState.IDLE, EntryState.QUEUED),
];

function setOf(...states: EntryState[]): number {
  return states.reduce<number>((set, state) => set | (1 << state), 0);
}

/** Further bits of a {@link RangeItem}. */
const TOUCHED = NEXT_FLAG;
const TROUBLED = NEXT_FLAG << 1;
const STOPPED = NEXT_FLAG << 2;
const ABANDONED = NEXT_FLAG << 3;

/** A client's request inside the engine. Pooled. */
export class RequestEntry extends RangeItem implements AttemptOwner {
  #state: EntryState = EntryState.IDLE;
  request: BlockRequest | null = null;
  /** The one that is with the driver. */
  attempt: Attempt | null = null;
  /** Used for one attempt after the other; null until there is one, and while the driver may keep the last one. */
  ownAttempt: Attempt | null = null;
  /** Order of admission. */
  seq = 0;
  direction: Direction = "read";
  /** Neighbours in the queue, while queued. */
  prev: RequestEntry | null = null;
  next: RequestEntry | null = null;

  /** Fail with this as soon as the driver lets go of it. */
  failWhenDone: BlockError | null = null;
  attempts = 0;
  /** Clock's ms of the first failure, or of being held; -1 before. */
  heldSince = -1;
  /** Clock's ms when an attempt failed last and the request was held, or when one was called back; null before. */
  lastAttemptAt: number | null = null;
  lastError: BlockError | null = null;
  /** The recovery cycle that sent it last. */
  cycle = 0;
  /** What was noted; null if that is nothing. `timelineOf` tells all. */
  timeline: TimelineItem[] | null = null;

  readonly #onOverdue: (entry: RequestEntry, attempt: Attempt) => void;

  /** @param onOverdue the engine's, for every entry the same. */
  constructor(onOverdue: (entry: RequestEntry, attempt: Attempt) => void) {
    super(false);
    this.#onOverdue = onOverdue;
  }

  /** Some of what is forgotten by {@link clear} was set: it was held, failed or given up. */
  get touched(): boolean {
    return this.has(TOUCHED);
  }

  set touched(value: boolean) {
    this.put(TOUCHED, value);
  }

  /** It was held in the current outage and has not come to its end yet. */
  get troubled(): boolean {
    return this.has(TROUBLED);
  }

  set troubled(value: boolean) {
    this.put(TROUBLED, value);
  }

  /** It is held because of the action `stop`, until `resume`. */
  get stopped(): boolean {
    return this.has(STOPPED);
  }

  set stopped(value: boolean) {
    this.put(STOPPED, value);
  }

  /** The upper layer no longer waits for it. */
  get abandoned(): boolean {
    return this.has(ABANDONED);
  }

  set abandoned(value: boolean) {
    this.put(ABANDONED, value);
  }

  onOverdue(attempt: Attempt): void {
    this.#onOverdue(this, attempt);
  }

  get state(): EntryState {
    return this.#state;
  }

  /** The one setter of the state. */
  moveTo(state: EntryState): void {
    if (((NEXT_STATES[this.#state]! >> state) & 1) === 0) {
      throw new Error(`request ${this.seq} cannot go from ${NAMES[this.#state]} to ${NAMES[state]}`);
    }
    this.#state = state;
  }

  /** Takes over a request that was just admitted. */
  admit(request: BlockRequest, seq: number, direction: Direction, mutates: boolean): void {
    this.request = request;
    this.seq = seq;
    this.attempts = 0;
    this.direction = direction;
    this.start = request.offset;
    this.end = request.offset + request.length;
    this.mutates = mutates;
    request.driverState = this;
  }

  /** Back to what the pool expects; everything that only a held request has is forgotten. */
  clear(): void {
    this.request = null;
    if (!this.touched) return;
    this.touched = false;
    this.troubled = false;
    this.stopped = false;
    this.abandoned = false;
    this.failWhenDone = null;
    this.attempts = 0;
    this.heldSince = -1;
    this.lastAttemptAt = null;
    this.lastError = null;
    this.cycle = 0;
    this.timeline = null;
  }
}
