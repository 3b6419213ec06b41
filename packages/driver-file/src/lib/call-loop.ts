/** What the thread is given when it starts. */
export interface CallLoopData {
  /** 4 bytes of {@link CallState}, and from byte 8 on the places of {@link CallPlace}, 8 bytes each. */
  readonly shared: SharedArrayBuffer;
  /** The file of the package koffi, for `require`. */
  readonly koffi: string;
}

/** Who may touch the shared memory next. */
export const CallState = {
  /** Nobody: the thread has not started yet. */
  STARTING: 0,
  /** Whoever asks: there is nothing to do, or the answer to what was asked last. */
  FREE: 1,
  /** The thread. The one that asked looks again by itself. */
  ASKED: 2,
  /** The thread, which has to send a message when it is done: the one that asked does not look any more. */
  AWAITED: 3,
} as const;

/** Float64 places: a call's number and parameters, and then its answer. */
export const CallPlace = { NUMBER: 0, PARAMETERS: 1, RESULT: 4, ERRNO: 5 } as const;

/** Bytes of the shared memory. */
export const SHARED_BYTES = 56;

type Koffi = typeof import("koffi");
type Port = import("node:worker_threads").MessagePort;
type Require = (name: string) => unknown;

/**
 * The whole program of the thread of {@link CallThread}: it is started from the text of this function, so that it needs no
 * file of its own, and so it may use nothing from outside.
 */
export function callLoop(require: Require): void {
  const { workerData, parentPort } = require("node:worker_threads") as { workerData: CallLoopData; parentPort: Port };
  const koffi = require(workerData.koffi) as Koffi;
  const libc = koffi.load(null);
  const call = libc.func("syscall", "int64", ["int64", "void *", "int64", "void *", "void *", "void *"]);
  const giveWay = libc.func("sched_yield", "int", []);
  const state = new Int32Array(workerData.shared, 0, 1);
  const places = new Float64Array(workerData.shared, 8);
  const [FREE, ASKED, AWAITED] = [1, 2, 3];
  // Some 0.1 ms if nobody else wants the processor. To wake a thread that sleeps would take half of that.
  const MOST_LOOKS = 100;
  Atomics.store(state, 0, FREE);
  for (let looks = 0; ; looks += 1) {
    const seen = Atomics.load(state, 0);
    if (seen >= ASKED) {
      const result: number = call(places[0], places[1], places[2], places[3], null, null);
      places[4] = result;
      places[5] = result < 0 ? koffi.errno() : 0;
      if (Atomics.exchange(state, 0, FREE) === AWAITED) parentPort.postMessage(null, []);
      looks = 0;
    } else if (looks < MOST_LOOKS) {
      giveWay();
    } else {
      Atomics.wait(state, 0, seen);
      looks = 0;
    }
  }
}
