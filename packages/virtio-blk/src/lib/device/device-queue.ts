import type { GuestMemory } from "../memory/guest-memory.ts";
import type { Virtqueue } from "../ring/virtqueue.ts";
import { markWritten, writeStatus } from "./chain-data.ts";
import { EXECUTE, MALFORMED, type RequestDecider } from "./decide-request.ts";
import { type DeviceRequest, type RequestOwner, RequestState } from "./device-request.ts";
import type { GivenUp } from "./given-up-requests.ts";
import type { RequestExecutor } from "./request-executor.ts";
import { RequestList } from "./request-list.ts";

/** Requests, and bytes of their data, that one queue may start before others get their turn. */
const REQUESTS_AT_ONCE = 256;
const BYTES_AT_ONCE = 8 * 1024 * 1024;

/** `started`: it is served. `stopping`: nothing more is popped; what was popped may complete. `stopped`: it is over. */
export type QueueState = "started" | "stopping" | "stopped";

/** What may follow what. Anything else is a defect of the device, and throws. */
const NEXT_STATES: Readonly<Record<QueueState, readonly QueueState[]>> = {
  started: ["stopping", "stopped"],
  stopping: ["stopped"],
  stopped: [],
};

/** What a queue needs of the device. */
export interface QueueHost {
  readonly memory: GuestMemory;
  readonly executor: RequestExecutor;
  readonly decider: RequestDecider;
  /** False: nothing is to be popped now; `serve` is called again when that may have changed. */
  mayPop(): boolean;
  /** Something was pushed, or the queue wants to be served again: calls `turn` soon. */
  schedule(): void;
  /** Calls `serve` soon, but not before others had their turn. */
  yieldTurn(): void;
  interrupt(index: number): void;
  /** The driver did what cannot be worked with. */
  breakDown(index: number, reason: string): void;
}

/** A queue from one start to its stop. A queue that is started again is another one, so nothing of the old can touch it. */
export class DeviceQueue implements RequestOwner {
  readonly index: number;
  readonly ring: Virtqueue;
  readonly #host: QueueHost;
  readonly #active: RequestList = new RequestList();
  #state: QueueState = "started";
  /** It is being served, further up on the stack. */
  #busy = false;
  /** It was kicked, or has been waiting for its turn. */
  #wanted = false;
  /** It used up its share and goes on after others had their turn. */
  #yielding = false;
  /** Something was pushed and not published. */
  #pushed = false;
  /** Nothing is popped any more, and nothing pushed: the driver broke the rules, on this queue or another. */
  #broken = false;
  #nudge = false;
  /** Called when what was popped is pushed. */
  onIdle: (() => void) | null = null;

  constructor(index: number, ring: Virtqueue, host: QueueHost) {
    this.index = index;
    this.ring = ring;
    this.#host = host;
  }

  get state(): QueueState {
    return this.#state;
  }

  get isIdle(): boolean {
    return this.#active.isEmpty;
  }

  moveTo(state: QueueState): void {
    if (!NEXT_STATES[this.#state].includes(state)) {
      throw new Error(`a queue of a virtio block device cannot go from ${this.#state} to ${state}`);
    }
    this.#state = state;
  }

  /** Notes that there may be something to pop. */
  want(): void {
    this.#wanted = true;
  }

  /**
   * Has the driver interrupted once, whether or not there is something: it may have waited since before this device took
   * over from another that died between publishing and interrupting.
   */
  nudge(): void {
    this.#nudge = true;
  }

  kick(): void {
    this.#wanted = true;
    // From within an interrupt or a completion: not one on top of the other.
    if (this.#busy) this.#host.schedule();
    else this.serve();
  }

  /** Its turn after others had theirs. */
  goOn(): void {
    if (!this.#yielding) return;
    this.#yielding = false;
    this.serve();
  }

  /** Pops what there is, and publishes what is done. */
  serve(): void {
    if (this.#busy) return;
    this.#busy = true;
    if (this.#wanted && !this.#yielding) this.#popAll();
    this.publish();
    this.#busy = false;
  }

  onFinished(request: DeviceRequest, status: number): void {
    const { chain, kind } = request;
    const { memory, executor } = this.#host;
    this.#active.remove(request);
    request.moveTo(RequestState.IDLE);
    if (!this.#broken) {
      if (kind === "read") markWritten(memory, chain, chain.writableLength - 1);
      if (writeStatus(memory, chain, status)) this.#push(request);
      else this.#host.breakDown(this.index, "virtio-blk status is not in guest memory");
    }
    executor.put(request);
    if (this.#active.isEmpty) this.onIdle?.();
  }

  /** From now on the ring is left alone. */
  breakDown(): void {
    this.#broken = true;
    this.#pushed = false;
    this.#nudge = false;
  }

  /** Takes out all that is unfinished, oldest first. What the driver has of it is appended to `givenUp`. */
  dropAll(givenUp: GivenUp[]): DeviceRequest[] {
    const { executor, memory } = this.#host;
    const dropped = this.#active.takeAll();
    for (const request of dropped) {
      const item = executor.drop(request);
      if (item === null) continue;
      givenUp.push(item);
      // The driver may have brought a part of it, or may still.
      const { block, chain } = request;
      if (executor.isDirect && block.operation === "read") markWritten(memory, chain, chain.writableLength - 1);
    }
    return dropped;
  }

  #push(request: DeviceRequest): void {
    const { chain, written } = request;
    // The status is the byte behind what was written, if that is all that could be written.
    const all = written === chain.writableLength - 1;
    this.ring.push(chain, all ? written + 1 : written);
    this.#pushed = true;
    if (!this.#busy) this.#host.schedule();
  }

  /** Makes what was pushed visible to the driver. */
  publish(): void {
    while ((this.#pushed || this.#nudge) && this.#state !== "stopped") {
      this.#pushed = false;
      const wanted = this.ring.publish() || this.#nudge;
      this.#nudge = false;
      if (wanted) this.#host.interrupt(this.index);
    }
    this.#checkFault();
  }

  #popAll(): void {
    if (!this.#canPop()) return;
    let requests = 0;
    let bytes = 0;
    this.ring.disableKicks();
    for (;;) {
      while (this.#canPop() && this.#host.mayPop()) {
        if (requests === REQUESTS_AT_ONCE || bytes >= BYTES_AT_ONCE) {
          this.#yielding = true;
          this.#host.yieldTurn();
          return;
        }
        const length = this.#popOne();
        if (length < 0) break;
        requests += 1;
        bytes += length;
      }
      if (!this.#canPop() || !this.#host.mayPop()) return;
      this.#wanted = false;
      if (!this.ring.enableKicks()) return;
      this.#wanted = true;
      this.ring.disableKicks();
    }
  }

  #canPop(): boolean {
    return this.#state === "started" && !this.#broken && this.ring.fault === null;
  }

  /** Starts one request. Bytes of its data, or -1: there is none. */
  #popOne(): number {
    const { executor, decider, memory } = this.#host;
    const request = executor.take();
    if (!this.ring.pop(request.chain)) {
      executor.put(request);
      return -1;
    }
    request.moveTo(RequestState.ACTIVE);
    request.owner = this;
    const status = decider.decide(memory, request);
    if (status === MALFORMED) {
      request.moveTo(RequestState.IDLE);
      executor.put(request);
      this.#host.breakDown(this.index, decider.reason);
      return -1;
    }
    this.#active.append(request);
    const { readableLength, writableLength } = request.chain;
    if (status === EXECUTE) executor.start(request);
    else this.onFinished(request, status);
    return readableLength + writableLength;
  }

  #checkFault(): void {
    const { fault } = this.ring;
    if (fault !== null && !this.#broken && this.#state !== "stopped") this.#host.breakDown(this.index, fault);
  }
}
