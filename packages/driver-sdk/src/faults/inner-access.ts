import type { BlockDriver } from "../lib/block-driver.ts";
import type { BlockError } from "../lib/block-error.ts";
import { changesData } from "../lib/block-request.ts";
import { sliceIov } from "../lib/iov.ts";
import type { CachedWrite } from "./fault-action.ts";
import type { FaultAttempt } from "./fault-attempt.ts";
import { WriteCache } from "./write-cache.ts";

const DEFAULT_CACHE = 64 * 1024 * 1024;

interface Crash {
  readonly survives: (write: CachedWrite) => boolean;
  readonly done: (error: BlockError | null) => void;
}

/** What a fault driver does with its inner driver: it passes attempts on, and undoes what a crash takes away. */
export class InnerAccess {
  readonly #inner: BlockDriver;
  readonly #cache: WriteCache | null;
  #inFlight = 0;
  /** Waits until nothing is with the inner driver any more. */
  #crash: Crash | null = null;
  #undoing = false;

  constructor(inner: BlockDriver, volatileCache: boolean | number) {
    this.#inner = inner;
    const limit = typeof volatileCache === "number" ? volatileCache : DEFAULT_CACHE;
    this.#cache = volatileCache === false ? null : new WriteCache(inner, limit);
  }

  /** A crash has not been carried out yet. */
  get crashing(): boolean {
    return this.#crash !== null || this.#undoing;
  }

  /** Passes an attempt, or the first `length` bytes of it, on. Ends in `onInnerComplete` of the attempt's owner. */
  send(attempt: FaultAttempt, length: number): void {
    const { request, child } = attempt;
    if (request === null) return;
    const iov = attempt.payload ?? request.iov;
    child.operation = request.operation;
    child.offset = request.offset;
    child.length = length;
    child.flags = request.flags;
    child.iov = length === request.length ? iov : sliceIov(iov, 0, length);
    child.extents = request.extents;
    attempt.moveTo("inner");
    this.#inFlight += 1;
    const cache = this.#cache;
    if (cache === null || !changesData(child.operation)) {
      if (cache !== null) attempt.mark = cache.mark();
      this.#inner.submit(child);
      return;
    }
    cache.capture(child, (entry, error) => {
      attempt.entry = entry;
      if (error === null) this.#inner.submit(child);
      else attempt.owner.onInnerComplete(attempt, error);
    });
  }

  /** To be called for every end of a `send`, before the attempt is used again. */
  account(attempt: FaultAttempt, error: BlockError | null): void {
    this.#inFlight -= 1;
    if (attempt.entry !== null) this.#cache?.landed(attempt.entry);
    if (error === null && attempt.child.operation === "flush") this.#cache?.flushed(attempt.mark);
  }

  /** Undoes what does not survive, as soon as the inner driver is idle; one crash at a time. */
  crash(survives: Crash["survives"], done: Crash["done"]): void {
    if (this.crashing) return;
    this.#crash = { survives, done };
    this.crashWhenIdle();
  }

  /** To be called after every end of a `send`. */
  crashWhenIdle(): void {
    if (this.#crash === null || this.#inFlight > 0) return;
    const { survives, done } = this.#crash;
    this.#crash = null;
    if (this.#cache === null) {
      done(null);
      return;
    }
    this.#undoing = true;
    this.#cache.crash(survives, (error) => {
      this.#undoing = false;
      done(error);
    });
  }

  /** What the cache holds is stable from now on: it may lie past the end after a resize. */
  stabilize(): void {
    this.#cache?.clear();
  }
}
