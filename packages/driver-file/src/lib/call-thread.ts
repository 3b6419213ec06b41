import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

import { callLoop, CallPlace, CallState, SHARED_BYTES, type CallLoopData } from "./call-loop.ts";

/** Turns of the event loop, about two microseconds each, in which it looks whether the call is over, before it may sleep. */
const MOST_TURNS = 256;

/** Ends a call: what it returned, and the errno if that is negative. Null: the thread ended, and nobody can tell. */
export type CallEnd = (result: number | null, errno: number) => void;

/**
 * A thread that makes one system call at a time, for calls that may wait but seldom do. Between two that are close together
 * neither it nor the event loop sleeps: they look for each other's word in shared memory, and let others have the processor
 * meanwhile. A trip through Node's thread pool wakes two threads, which in a virtual machine takes longer than many a call.
 *
 * The thread keeps the process alive only during a call. It is never taken down, as those of the pool are not.
 */
export class CallThread {
  readonly #shared = new SharedArrayBuffer(SHARED_BYTES);
  readonly #state = new Int32Array(this.#shared, 0, 1);
  readonly #places = new Float64Array(this.#shared, 8);
  readonly #giveWay: () => void;
  readonly #worker: Worker;
  #done: CallEnd | null = null;
  #ended = false;
  #turns = 0;

  /**
   * @param giveWay sched_yield(2)
   * @throws Error where Node may not start threads, or does not find koffi's file.
   */
  constructor(giveWay: () => void) {
    this.#giveWay = giveWay;
    const workerData: CallLoopData = {
      shared: this.#shared,
      koffi: createRequire(import.meta.url).resolve("koffi"),
    };
    const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };
    const source = `(${callLoop.toString()})(require)`;
    const worker = new Worker(source, { eval: true, workerData, execArgv: [], resourceLimits });
    this.#worker = worker;
    worker.on("message", () => this.#finish());
    worker.on("error", () => this.#lose());
    worker.on("exit", () => this.#lose());
    worker.unref();
  }

  /** It has nothing to do, and can be asked. */
  get isFree(): boolean {
    return this.#done === null && !this.#ended && Atomics.load(this.#state, 0) === CallState.FREE;
  }

  /** Makes system call `number`; only if {@link isFree}. `done` is called on a later turn. */
  run(number: number, parameters: readonly [number, number, number], done: CallEnd): void {
    const places = this.#places;
    places[CallPlace.NUMBER] = number;
    places.set(parameters, CallPlace.PARAMETERS);
    this.#done = done;
    this.#turns = 0;
    Atomics.store(this.#state, 0, CallState.ASKED);
    Atomics.notify(this.#state, 0);
    setImmediate(this.#look);
  }

  /** Ends the thread, for tests of what that means: when its call returns. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  readonly #look = (): void => {
    if (Atomics.load(this.#state, 0) === CallState.FREE) {
      this.#finish();
      return;
    }
    this.#turns += 1;
    if (this.#turns < MOST_TURNS) {
      this.#giveWay();
      setImmediate(this.#look);
      return;
    }
    const { ASKED, AWAITED } = CallState;
    if (Atomics.compareExchange(this.#state, 0, ASKED, AWAITED) === ASKED) this.#worker.ref();
    else this.#finish();
  };

  #finish(): void {
    this.#worker.unref();
    const done = this.#done;
    this.#done = null;
    done?.(this.#places[CallPlace.RESULT]!, this.#places[CallPlace.ERRNO]!);
  }

  #lose(): void {
    this.#ended = true;
    const done = this.#done;
    this.#done = null;
    done?.(null, 0);
  }
}
