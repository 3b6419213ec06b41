import type { DriverBuffer, DriverQueue } from "@rehandle/virtio-blk/testing";
import type { SystemCalls, Watcher } from "../system-calls.ts";

/** Who hears of a vring. */
export interface VringListener {
  /** The back end gave a chain back that {@link Vring.add} named `token`, with `written` bytes in it. */
  onUsed(token: number, written: number): void;
  /** There is nothing more to collect for now. */
  onCollected(): void;
  /** The ring starts anew: chains that did not come back never will. */
  onReset(): void;
}

/** What a vring cannot go on with. */
type FaultListener = (error: unknown) => void;

const NOBODY: VringListener = { onUsed() {}, onCollected() {}, onReset() {} };

/** A virtqueue that a back end works on, with its eventfds. The driver's side is here. */
export class Vring {
  readonly index: number;
  /** The driver's side; another one after `reset`. */
  queue: DriverQueue;
  /** The back end reads it: there are new chains. */
  readonly kickFd: number;
  /** The back end writes it: chains came back. */
  readonly callFd: number;
  /** The back end writes it: it cannot go on with this vring. */
  readonly errFd: number;
  /** What SET_VRING_BASE tells: where the back end begins. GET_VRING_BASE replaces it. */
  base: number = 0;
  /** Replace it to hear of completions. */
  listener: VringListener = NOBODY;
  readonly #calls: SystemCalls;
  readonly #watchers: Watcher[] = [];
  readonly #createQueue: () => DriverQueue;
  readonly #tableEntries: number;
  #closed = false;

  /**
   * @param createQueue Makes the ring anew in the same place.
   * @param tableEntries Descriptors of an indirect table; 0: there are none.
   */
  constructor(
    calls: SystemCalls,
    index: number,
    createQueue: () => DriverQueue,
    tableEntries: number,
    onFault: FaultListener,
  ) {
    this.#calls = calls;
    this.index = index;
    this.#createQueue = createQueue;
    this.#tableEntries = tableEntries;
    this.queue = createQueue();
    this.base = firstBase(this.queue);
    this.kickFd = calls.createEvent();
    this.callFd = calls.createEvent();
    this.errFd = calls.createEvent();
    this.#watch(this.callFd, () => this.collect(), onFault);
    this.#watch(this.errFd, () => onFault(new Error(`the back end cannot go on with vring ${index}`)), onFault);
  }

  /** Entries. */
  get size(): number {
    return this.queue.size;
  }

  /** Writes a chain, in an indirect table if there are any and it fits. −1: no room. It is visible from `kick` on. */
  add(buffers: readonly DriverBuffer[]): number {
    const indirect = buffers.length > 1 && buffers.length <= this.#tableEntries;
    return this.queue.add(buffers, indirect ? 0 : buffers.length);
  }

  /** Makes all that was added available, and tells the back end if it wants to be told. */
  kick(): void {
    this.queue.publish();
    if (this.queue.needsKick()) this.kickNow();
  }

  /** Tells the back end even if it does not want to be told; spurious kicks are harmless. */
  kickNow(): void {
    if (!this.#closed) this.#calls.writeEvent(this.kickFd);
  }

  /** Hands all chains that came back to the listener. */
  collect(): void {
    const { queue, listener } = this;
    do {
      queue.disableInterrupts();
      for (let used = queue.collect(); used !== null; used = queue.collect()) listener.onUsed(used.token, used.written);
      listener.onCollected();
    } while (queue.enableInterrupts());
  }

  /** Starts with an empty ring; what the back end has of the old one is lost. */
  reset(): void {
    this.queue = this.#createQueue();
    this.base = firstBase(this.queue);
    for (const fd of [this.kickFd, this.callFd, this.errFd]) this.#calls.readEvent(fd);
    this.listener.onReset();
  }

  /** Closes the eventfds. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.close();
    for (const fd of [this.kickFd, this.callFd, this.errFd]) this.#calls.close(fd);
  }

  #watch(fd: number, onEvent: () => void, onError: FaultListener): void {
    const onReady = (): void => {
      if (this.#calls.readEvent(fd)) onEvent();
    };
    this.#watchers.push(this.#calls.watch(fd, { readable: true }, { onReady, onError }));
  }
}

/** A packed ring's has both positions in it, each with its wrap counter, which starts at 1. */
function firstBase(queue: DriverQueue): number {
  return queue.features.packed === true ? 0x8000_8000 : 0;
}
