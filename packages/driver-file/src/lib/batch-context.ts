import { constants } from "node:os";

import type { CallEnd } from "./call-thread.ts";
import { LazyThread, type ThreadSource } from "./lazy-thread.ts";
import { createAddressOf, type AddressOf } from "./memory-address.ts";

type Koffi = typeof import("koffi");
type AsyncCall = (...parameters: [...unknown[], (error: unknown, result: number) => void]) => void;

/** Writes in one batch. */
export const MOST_WRITES = 64;

/** Numbers of io_setup(2), io_destroy(2), io_submit(2) and io_getevents(2). */
interface CallNumbers {
  readonly setup: number;
  readonly destroy: number;
  readonly submit: number;
  readonly events: number;
}

const NUMBERS: Readonly<Partial<Record<string, CallNumbers>>> = {
  x64: { setup: 206, destroy: 207, submit: 209, events: 208 },
  arm64: { setup: 0, destroy: 1, submit: 2, events: 4 },
};
const IOCB_CMD_PWRITE = 1;
/** 32-bit words of struct iocb and of struct io_event. */
const IOCB_WORDS = 16;
const EVENT_WORDS = 8;
const { EINTR, EIO } = constants.errno;
const TWO_TO_32 = 0x1_0000_0000;

/** How the writes of a batch ended. */
export interface BatchEnd {
  /**
   * The system has taken the first `taken` of them, and all of those are over. If it has taken none, `errno` is why it did
   * not take the first; 0: nobody can tell how any of them ended, but they are over, and may be made again.
   */
  (taken: number, errno: number): void;
}

/** The kernel's side of one batch at a time. */
export interface BatchContext {
  /** Puts a write into place `index` of the next batch. The buffer must stay as it is until the batch is over. */
  set(index: number, fd: number, buffer: Uint8Array, from: number, length: number, position: number): void;
  /**
   * Runs the first `count` writes, one after the other, off the event loop.
   * @param quick on the thread that is awake, which is free; otherwise on one of the pool
   */
  run(count: number, quick: boolean, done: BatchEnd): void;
  /** Bytes that write number `index` moved, or `-errno`. */
  result(index: number): number;
}

/** The contexts of the process. */
export interface BatchContexts {
  /** One that nobody uses; null if the system has no room for one more, or batches turned out not to work on it. */
  take(): BatchContext | null;
  /** Takes it back; its batch is over. */
  give(context: BatchContext): void;
  /** The thread that is awake is free. It is started when this has been asked often. */
  isQuick(): boolean;
}

/**
 * Batches by Linux's asynchronous I/O (`io_submit`), which does buffered writes at once, in the thread that submits them:
 * many writes for one trip through the thread pool. Null where the system does not have it or does not allow it.
 */
export function createBatchContexts(koffi: Koffi, thread: ThreadSource = new LazyThread(koffi)): BatchContexts | null {
  const numbers = NUMBERS[process.arch];
  if (numbers === undefined) return null;
  const call: SystemCall = koffi
    .load(null)
    .func("syscall", "int64", ["int64", "void *", "int64", "void *", "void *", "void *"]);
  const unused: BatchContext[] = [];
  let isUsable = true;
  const onUnusable = (): void => {
    isUsable = false;
  };
  const submit = createSubmit(koffi, call, numbers.submit, thread);
  const library: Library = { koffi, call, numbers, addressOf: createAddressOf(koffi), submit, onUnusable };
  const make = (): BatchContext | null => {
    const id = new BigUint64Array(16);
    const made = call(numbers.setup, MOST_WRITES, Number(koffi.address(id)), null, null, null);
    return made === 0 ? new AioContext(library, Number(id[0])) : null;
  };
  return {
    take: () => (isUsable ? (unused.pop() ?? make()) : null),
    give: (context) => void unused.push(context),
    isQuick: () => thread.free() !== null,
  };
}

interface SystemCall {
  (...parameters: readonly unknown[]): number;
  readonly async: AsyncCall;
}

interface Library {
  readonly koffi: Koffi;
  readonly call: SystemCall;
  readonly numbers: CallNumbers;
  readonly addressOf: AddressOf;
  readonly submit: Submit;
  /** The system does not tell how batches end. */
  readonly onUnusable: () => void;
}

/** io_submit(2) off the event loop. */
type Submit = (quick: boolean, context: number, count: number, listAt: number, done: CallEnd) => void;

function createSubmit(koffi: Koffi, call: SystemCall, number: number, thread: ThreadSource): Submit {
  return (quick, context, count, listAt, done) => {
    const awake = quick ? thread.free() : null;
    if (awake !== null) {
      awake.run(number, [context, count, listAt], done);
      return;
    }
    call.async(number, context, count, listAt, null, null, (failure, result) => {
      if (failure instanceof Error) done(-1, EIO);
      else done(result, result < 0 ? koffi.errno() : 0);
    });
  };
}

class AioContext implements BatchContext {
  readonly #library: Library;
  readonly #context: number;
  /** What the kernel is given addresses of; the last is the time that it may take: none. */
  readonly #blocks = new Uint32Array(IOCB_WORDS * MOST_WRITES);
  readonly #list: BigUint64Array;
  readonly #events = new Uint32Array(EVENT_WORDS * MOST_WRITES);
  readonly #noTime = new BigUint64Array(16);
  readonly #listAt: number;
  readonly #eventsAt: number;
  readonly #noTimeAt: number;
  readonly #results = new Int32Array(MOST_WRITES);

  constructor(library: Library, context: number) {
    this.#library = library;
    this.#context = context;
    const { koffi } = library;
    const blocksAt = koffi.address(this.#blocks);
    this.#list = BigUint64Array.from({ length: MOST_WRITES }, (_, at) => blocksAt + BigInt(4 * IOCB_WORDS * at));
    this.#listAt = Number(koffi.address(this.#list));
    this.#eventsAt = Number(koffi.address(this.#events));
    this.#noTimeAt = Number(koffi.address(this.#noTime));
  }

  set(index: number, fd: number, buffer: Uint8Array, from: number, length: number, position: number): void {
    const blocks = this.#blocks;
    const word = index * IOCB_WORDS;
    const address = this.#library.addressOf(buffer) + from;
    blocks.fill(0, word, word + IOCB_WORDS);
    blocks[word] = index;
    blocks[word + 4] = IOCB_CMD_PWRITE;
    blocks[word + 5] = fd;
    blocks[word + 6] = address % TWO_TO_32;
    blocks[word + 7] = address / TWO_TO_32;
    blocks[word + 8] = length;
    blocks[word + 10] = position % TWO_TO_32;
    blocks[word + 11] = position / TWO_TO_32;
  }

  run(count: number, quick: boolean, done: BatchEnd): void {
    this.#library.submit(quick, this.#context, count, this.#listAt, (result, errno) => {
      if (result === null) {
        this.#dissolve(done);
      } else if (result <= 0) {
        done(0, errno || EIO);
      } else {
        const { call, numbers } = this.#library;
        const collected = call(numbers.events, this.#context, result, result, this.#eventsAt, this.#noTimeAt);
        this.#collect(Math.max(0, collected), result, done);
      }
    });
  }

  result(index: number): number {
    return this.#results[index]!;
  }

  /** Takes `count` results of `left`; what is not over yet (it is not buffered after all) is waited for in the thread pool. */
  #collect(count: number, left: number, done: BatchEnd, taken: number = left): void {
    const events = this.#events;
    for (let word = 0; word < count * EVENT_WORDS; word += EVENT_WORDS) {
      this.#results[events[word]!] = events[word + 4]! | 0;
    }
    const missing = left - count;
    if (missing === 0) {
      done(taken, 0);
      return;
    }
    const { koffi, call, numbers } = this.#library;
    call.async(numbers.events, this.#context, missing, missing, this.#eventsAt, null, (failure, result) => {
      if (!(failure instanceof Error) && result >= 0) this.#collect(result, missing, done, taken);
      else if (!(failure instanceof Error) && koffi.errno() === EINTR) this.#collect(0, missing, done, taken);
      else this.#dissolve(done);
    });
  }

  /**
   * The results cannot be had, now or later: asking again would go on for ever. io_destroy(2) waits until nothing of the
   * batch can land any more.
   */
  #dissolve(done: BatchEnd): void {
    const { call, numbers, onUnusable } = this.#library;
    onUnusable();
    call.async(numbers.destroy, this.#context, null, null, null, null, () => done(0, 0));
  }
}
