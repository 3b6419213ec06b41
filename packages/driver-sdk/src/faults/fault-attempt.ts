import type { BlockError } from "../lib/block-error.ts";
import { createRequest, type BlockRequest } from "../lib/block-request.ts";
import type { Timer } from "../lib/clock.ts";
import type { InFlightFate } from "./fault-action.ts";
import type { FaultEffect } from "./fault-rule.ts";
import type { CacheEntry } from "./write-cache.ts";

/**
 * Where a request is. `waiting`: for its delay; `parked`: for `thaw` or `release`; `zombie`: the connection that it was sent on
 * is gone, but it may still land; `inner`: with the inner driver; `cancelled`: it will not land, and completes soon.
 */
export type AttemptState = "idle" | "waiting" | "parked" | "zombie" | "inner" | "cancelled";

const NEXT: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  idle: ["waiting"],
  waiting: ["parked", "zombie", "inner", "cancelled", "idle"],
  parked: ["zombie", "inner", "cancelled", "idle"],
  zombie: ["inner", "cancelled", "idle"],
  inner: ["idle"],
  cancelled: ["idle"],
};

/** What a driver does with an attempt whose time has come. */
export interface AttemptOwner {
  onDue(attempt: FaultAttempt): void;
  onInnerComplete(attempt: FaultAttempt, error: BlockError | null): void;
}

/** One request of a fault driver, pooled, with the request that goes to the inner driver. */
export class FaultAttempt {
  readonly owner: AttemptOwner;
  readonly child: BlockRequest;
  /** Made once, so that a timer costs no closure. */
  readonly onTimer: () => void;
  request: BlockRequest | null = null;
  #state: AttemptState = "idle";
  effect: FaultEffect | null = null;
  /** `release` let it go on although a rule stalled it. */
  released = false;
  timer: Timer | null = null;
  /** What it completes with whatever the inner driver says: the loss of the connection, or a torn write's error. */
  verdict: BlockError | null = null;
  /** How much of a zombie lands. */
  fate: InFlightFate = "landed";
  /** The payload, once the submitter took the buffers back. */
  payload: Uint8Array[] | null = null;
  entry: CacheEntry | null = null;
  /** What a flush covers. */
  mark = 0;

  constructor(owner: AttemptOwner) {
    this.owner = owner;
    this.child = createRequest({ owner: this, complete: onChildComplete });
    this.onTimer = () => {
      this.timer = null;
      owner.onDue(this);
    };
  }

  get state(): AttemptState {
    return this.#state;
  }

  moveTo(next: AttemptState): void {
    if (!NEXT[this.#state].includes(next)) throw new Error(`an attempt does not go from ${this.#state} to ${next}`);
    this.#state = next;
  }

  stopTimer(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  /** Forgets the request, so that the object can be used for another. */
  reset(): void {
    this.stopTimer();
    this.request = null;
    this.moveTo("idle");
    this.effect = null;
    this.released = false;
    this.verdict = null;
    this.payload = null;
    this.entry = null;
    this.child.iov = NO_PARTS;
    this.child.extents = NO_EXTENTS;
  }
}

const NO_PARTS: Uint8Array[] = [];
const NO_EXTENTS: BlockRequest["extents"] = [];

function onChildComplete(child: BlockRequest, error: BlockError | null): void {
  const attempt = child.owner as FaultAttempt;
  attempt.owner.onInnerComplete(attempt, error);
}
