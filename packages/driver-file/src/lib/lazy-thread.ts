import { CallThread } from "./call-thread.ts";

type Koffi = typeof import("koffi");

/** Asked for so often before it starts: a thread takes some 10 ms of processor time and a few MiB. */
const WORTH_A_THREAD = 64;

/** Where a thread that is awake comes from. */
export interface ThreadSource {
  /** The thread, if it is free. */
  free(): Pick<CallThread, "run"> | null;
}

/** The process's one {@link CallThread}, started only where there is work for it. */
export class LazyThread implements ThreadSource {
  readonly #giveWay: () => void;
  #asked = 0;
  #thread: CallThread | null = null;

  constructor(koffi: Koffi) {
    this.#giveWay = koffi.load(null).func("sched_yield", "int", []);
  }

  free(): CallThread | null {
    if (this.#thread !== null) return this.#thread.isFree ? this.#thread : null;
    this.#asked += 1;
    if (this.#asked === WORTH_A_THREAD) this.#start();
    return null;
  }

  #start(): void {
    try {
      this.#thread = new CallThread(this.#giveWay);
    } catch {
      // Node may not start threads, or koffi is not where it was: the pool does it.
    }
  }
}
