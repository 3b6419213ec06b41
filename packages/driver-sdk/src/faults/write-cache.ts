import type { BlockDriver } from "../lib/block-driver.ts";
import type { BlockError } from "../lib/block-error.ts";
import { RequestFlag, type BlockRequest } from "../lib/block-request.ts";
import { copyFromIov } from "../lib/iov.ts";
import type { CachedWrite } from "./fault-action.ts";
import { runChain, type ChainStep } from "./request-chain.ts";

/** Bytes. */
const SLAB = 16384;

/** A change that a crash may undo. */
export interface CacheEntry extends CachedWrite {
  /** What was there before. */
  readonly old: Uint8Array;
  /** The payload of a write; null for discard and write-zeroes. */
  readonly data: Uint8Array | null;
  /** Written with FUA: it survives. It is kept because an older entry that overlaps it may have to be undone. */
  readonly stable: boolean;
}

/**
 * The volatile cache of a disk, as an undo log: changes go to the inner driver at once, and a crash writes back what was there
 * before. Changes that overlap while both are in flight with an inner driver that does not complete at once are undone in the
 * order of their completions, which may not be the order in which they landed.
 */
export class WriteCache {
  readonly #inner: BlockDriver;
  readonly #limit: number;
  #entries: CacheEntry[] = [];
  /** How many entries were dropped from the front, so that marks stay valid. */
  #dropped = 0;
  #bytes = 0;
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(inner: BlockDriver, limit: number) {
    this.#inner = inner;
    this.#limit = limit;
  }

  /** Reads what a change is going to overwrite, and calls `then` with the entry to give to `landed`, or null if it is too long. */
  capture(change: BlockRequest, then: (entry: CacheEntry | null, error: BlockError | null) => void): void {
    const { operation, offset, length, flags } = change;
    const stable = (flags & RequestFlag.FUA) !== 0;
    if (stable && this.#entries.length === 0) {
      then(null, null);
      return;
    }
    if (length * 2 > this.#limit) {
      // Like a real cache, this one writes everything back rather than hold more than it can.
      this.clear();
      then(null, null);
      return;
    }
    const old = this.#take(length);
    let data: Uint8Array | null = null;
    if (operation === "write") {
      data = this.#take(length);
      copyFromIov(change.iov, data);
    }
    const entry: CacheEntry = { operation, offset, length, old, data, stable };
    runChain(this.#inner, [{ operation: "read", offset, length, iov: [old] }], (error) => {
      if (error === null) then(entry, null);
      else then(null, error);
    });
  }

  /** A change reached the inner driver. */
  landed(entry: CacheEntry): void {
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
    let drop = 0;
    while (this.#bytes > this.#limit) this.#bytes -= entryBytes(this.#entries[drop++]!);
    this.#drop(drop);
  }

  /** What has landed up to now; for `flushed`. */
  mark(): number {
    return this.#dropped + this.#entries.length;
  }

  /** A flush that began at `mark` succeeded: what had landed by then is stable. */
  flushed(mark: number): void {
    const count = Math.max(0, mark - this.#dropped);
    for (const entry of this.#entries.slice(0, count)) this.#bytes -= entryBytes(entry);
    this.#drop(count);
  }

  /** Everything is stable. */
  clear(): void {
    this.flushed(this.mark());
  }

  /** Undoes what does not survive; calls `done` when the inner driver has what a crash leaves. */
  crash(survives: (write: CachedWrite) => boolean, done: (error: BlockError | null) => void): void {
    const entries = this.#entries;
    const kept = entries.map((entry) => entry.stable || survives(entry));
    const first = kept.indexOf(false);
    this.clear();
    if (first === -1) {
      done(null);
      return;
    }
    const undo = entries.slice(first).toReversed().map(undoing);
    const redo = entries.filter((_, index) => index > first && kept[index]).map(redoing);
    runChain(this.#inner, [...undo, ...redo], done);
  }

  /** Memory for a copy: a part of a larger piece, because many small ones cost more than what is done with them. */
  #take(length: number): Uint8Array {
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB, length));
      this.#used = 0;
    }
    this.#used += length;
    return this.#slab.subarray(this.#used - length, this.#used);
  }

  #drop(count: number): void {
    if (count === 0) return;
    this.#entries = this.#entries.slice(count);
    this.#dropped += count;
  }
}

function entryBytes(entry: CacheEntry): number {
  return entry.old.length + (entry.data?.length ?? 0);
}

function undoing({ offset, length, old }: CacheEntry): ChainStep {
  return { operation: "write", offset, length, iov: [old] };
}

function redoing({ operation, offset, length, data }: CacheEntry): ChainStep {
  return { operation, offset, length, iov: data === null ? [] : [data] };
}
