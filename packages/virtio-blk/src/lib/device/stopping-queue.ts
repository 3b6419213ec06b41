import type { Clock, Timer } from "@rehandle/driver-sdk";

import type { DeviceQueue } from "./device-queue.ts";
import type { GivenUp } from "./given-up-requests.ts";
import type { RequestExecutor } from "./request-executor.ts";
import type { StoppedQueue } from "./virtio-block-device.ts";

/** A queue on its way to a stop: what the driver has may complete until all has, or until patience is at its end. */
export class StoppingQueue {
  readonly queue: DeviceQueue;
  readonly promise: Promise<StoppedQueue>;
  readonly #executor: RequestExecutor;
  readonly #putBack: boolean;
  readonly #onStopped: (stopping: StoppingQueue) => void;
  #resolve: (stopped: StoppedQueue) => void = () => {};
  #timer: Timer | null = null;
  /** Clock's ms. */
  #due = Infinity;

  constructor(
    queue: DeviceQueue,
    executor: RequestExecutor,
    putBack: boolean,
    onStopped: (stopping: StoppingQueue) => void,
  ) {
    this.queue = queue;
    this.#executor = executor;
    this.#putBack = putBack;
    this.#onStopped = onStopped;
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    queue.moveTo("stopping");
  }

  /** Waits until the queue is idle, but no longer than `patience` ms. */
  wait(clock: Clock, patience: number): void {
    if (this.queue.isIdle || !(patience > 0)) {
      this.finish();
      return;
    }
    const due = clock.now() + patience;
    if (due >= this.#due) return;
    this.#due = due;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(patience, () => this.finish());
    this.queue.onIdle = () => this.finish();
  }

  /** Stops it now: what is done is published, what is not is given up. */
  finish(): void {
    if (this.queue.state !== "stopping") return;
    this.queue.publish();
    const givenUp: GivenUp[] = [];
    this.#stop(this.#putBack, givenUp);
    // Only now: to abandon one may end others, and none of them may reach the ring any more.
    for (const item of givenUp) this.#executor.abandon(item);
  }

  /** Stops it now, for a reset: guest memory is not touched any more. What the driver has is appended, to be abandoned. */
  cut(givenUp: GivenUp[]): void {
    this.#stop(false, givenUp);
  }

  #stop(putBack: boolean, givenUp: GivenUp[]): void {
    // Publishing interrupts, and whoever hears that may have stopped the queue.
    if (this.queue.state !== "stopping") return;
    this.queue.moveTo("stopped");
    this.#timer?.cancel();
    this.queue.onIdle = null;
    const { ring } = this.queue;
    const unfinished = ring.inFlight;
    const dropped = this.queue.dropAll(givenUp);
    if (putBack) ring.putBack(dropped.map((request) => request.chain));
    this.#onStopped(this);
    this.#resolve({ position: ring.position, unfinished });
  }
}
