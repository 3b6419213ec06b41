import { MOST_WRITES, type BatchContext, type BatchContexts } from "./batch-context.ts";
import { admit, release } from "./call-admission.ts";
import type { FileSystem, Moved } from "./file-system.ts";
import { Haste } from "./haste.ts";
import { systemError } from "./system-error.ts";

/** Writes since the last flush before one alone goes to the thread that is awake. */
const FAR_FROM_FLUSH = 8;
/** Bytes in one batch, unless its first write alone has more. */
const MOST_BYTES = 1024 * 1024;

interface Write {
  readonly fd: number;
  readonly buffer: Uint8Array;
  readonly from: number;
  readonly length: number;
  readonly position: number;
  readonly done: Moved;
}

/**
 * Writes of one file: those that come together, and those that come while a batch is under way, go to the system together.
 * A trip through the thread pool costs more than the write of a small block itself. And as a file has one batch under way at
 * a time, one that hangs keeps one thread of the pool, and not all of them.
 */
export class WriteBatcher {
  readonly #fileSystem: FileSystem;
  readonly #contexts: BatchContexts;
  readonly #haste: Haste;
  #waiting: Write[] = [];
  #batch: Write[] = [];
  #planned = false;
  #running = false;
  #sinceFlush = 0;
  readonly #begin = (): void => {
    this.#planned = false;
    if (!this.#running) this.#runNext();
  };

  /**
   * @param fileSystem does what cannot be batched.
   * @param now milliseconds since an arbitrary start, with fractions
   */
  constructor(fileSystem: FileSystem, contexts: BatchContexts, now: () => number) {
    this.#haste = new Haste(now);
    this.#fileSystem = fileSystem;
    this.#contexts = contexts;
  }

  /** The file is flushed. Where that follows every write, a thread that stays awake only keeps the processor from it. */
  flushed(): void {
    this.#sinceFlush = 0;
  }

  /** As {@link FileSystem.write}. */
  write(fd: number, buffer: Uint8Array, from: number, length: number, position: number, done: Moved): void {
    this.#sinceFlush += 1;
    this.#waiting.push({ fd, buffer, from, length, position, done });
    if (this.#running || this.#planned) return;
    this.#planned = true;
    // Everything that the sockets have brought on this turn is submitted before.
    setImmediate(this.#begin);
  }

  #runNext(): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    const isAlone = this.#waiting.length === 1;
    const quick = (!isAlone || this.#sinceFlush > FAR_FROM_FLUSH) && this.#contexts.isQuick() && this.#haste.begin();
    const context = isAlone && !quick ? null : this.#contexts.take();
    if (context === null) {
      this.#haste.cancel();
      this.#waiting.shift();
      this.#runAlone(first);
      return;
    }
    this.#running = true;
    this.#takeBatch();
    for (const [index, { fd, buffer, from, length, position }] of this.#batch.entries()) {
      context.set(index, fd, buffer, from, length, position);
    }
    admit(() => context.run(this.#batch.length, quick, (taken, errno) => this.#ended(context, taken, errno)));
  }

  /** For the pool, one write is better off with Node's own. */
  #runAlone({ fd, buffer, from, length, position, done }: Write): void {
    this.#running = true;
    this.#fileSystem.write(fd, buffer, from, length, position, (error, bytes) => {
      this.#running = false;
      try {
        done(error, bytes);
      } finally {
        this.#begin();
      }
    });
  }

  #takeBatch(): void {
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#waiting) {
      if (count === MOST_WRITES || (count > 0 && bytes + length > MOST_BYTES)) break;
      bytes += length;
      count += 1;
    }
    this.#batch = this.#waiting.splice(0, count);
  }

  #ended(context: BatchContext, taken: number, errno: number): void {
    release();
    this.#haste.end();
    const batch = this.#batch;
    this.#batch = [];
    const results = batch.slice(0, taken).map((_, index) => context.result(index));
    this.#contexts.give(context);
    this.#running = false;
    // What the system did not take goes again; the one that it refused hears why.
    const refused = errno === 0 ? 0 : 1;
    this.#waiting.unshift(...batch.slice(taken + refused));
    if (refused > 0) results.push(-errno);
    let next = 0;
    try {
      while (next < results.length) {
        next += 1;
        settle(batch[next - 1]!, results[next - 1]!);
      }
    } finally {
      for (; next < results.length; next += 1) settle(batch[next]!, results[next]!);
      this.#begin();
    }
  }
}

function settle({ done }: Write, result: number): void {
  if (result < 0) done(systemError(-result, "write"), 0);
  else done(null, result);
}
