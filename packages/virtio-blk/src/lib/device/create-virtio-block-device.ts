import { GuestMemory } from "../memory/guest-memory.ts";
import { createVirtqueue } from "../ring/create-virtqueue.ts";
import type { QueueSettings } from "../ring/virtqueue.ts";
import { VirtioError } from "../virtio-error.ts";
import { buildConfig, configLength, type DeviceLimits, limitsOf, WRITEBACK_OFFSET } from "./config-space.ts";
import { RequestDecider } from "./decide-request.ts";
import { DeviceLife } from "./device-phase.ts";
import { DeviceQueue, type QueueHost } from "./device-queue.ts";
import type { GivenUp } from "./given-up-requests.ts";
import { offeredFeatures, refusalOf } from "./offered-features.ts";
import { RequestExecutor } from "./request-executor.ts";
import { ID_BYTES } from "./request-type.ts";
import { StoppingQueue } from "./stopping-queue.ts";
import type { LingeringRequest, StoppedQueue, StopOptions, VirtioBlockDevice } from "./virtio-block-device.ts";
import { type ResolvedOptions, resolveOptions, type VirtioBlockOptions } from "./virtio-block-options.ts";
import { VirtioBlkFeature, VirtioFeature } from "./virtio-features.ts";

/**
 * Makes a virtio block device over an open driver. It does nothing before a queue is started.
 * @throws RangeError if an option is out of range.
 */
export function createVirtioBlockDevice(options: VirtioBlockOptions): VirtioBlockDevice {
  return new BlockDevice(resolveOptions(options), options.memory ?? new GuestMemory());
}

/** What a queue leaves behind that was never started. */
const NEVER_STARTED: StoppedQueue = {
  position: { available: 0, availableWrap: 1, used: 0, usedWrap: 1 },
  unfinished: 0,
};

class BlockDevice implements VirtioBlockDevice, QueueHost {
  readonly offeredFeatures: bigint;
  readonly executor: RequestExecutor;
  readonly decider: RequestDecider;
  readonly #options: ResolvedOptions;
  readonly #writable: boolean;
  readonly #life: DeviceLife = new DeviceLife();
  readonly #queues: (DeviceQueue | null)[];
  readonly #stopping: (StoppingQueue | null)[];
  #memory: GuestMemory;
  #features = 0n;
  #limits: DeviceLimits;
  #writeback: boolean;
  #configGeneration = 0;
  #scheduled = false;
  #yielded = false;

  constructor(options: ResolvedOptions, memory: GuestMemory) {
    const { driver, numQueues, packed, dataPath } = options;
    const { capabilities } = driver;
    this.#options = options;
    this.#memory = memory;
    this.#writable = options.writable && !capabilities.readOnly;
    this.#queues = Array.from({ length: numQueues }, () => null);
    this.#stopping = Array.from({ length: numQueues }, () => null);
    this.#writeback = options.writeback;
    this.#limits = limitsOf(capabilities, options);
    this.offeredFeatures = offeredFeatures(capabilities, { writable: this.#writable, numQueues, packed });
    this.executor = new RequestExecutor(driver, dataPath, this);
    this.decider = new RequestDecider({
      limits: this.#limits,
      writable: this.#writable,
      discard: false,
      writeZeroes: false,
      writethrough: true,
      id: idOf(options.serial),
    });
  }

  get features(): bigint {
    return this.#features;
  }

  get numQueues(): number {
    return this.#options.numQueues;
  }

  get maxQueueSize(): number {
    return this.#options.maxQueueSize;
  }

  get status(): number {
    return this.#life.status;
  }

  get configGeneration(): number {
    return this.#configGeneration;
  }

  get lingering(): readonly LingeringRequest[] {
    return this.executor.givenUp.lingering();
  }

  get memory(): GuestMemory {
    return this.#memory;
  }

  setMemory(memory: GuestMemory): void {
    if (this.#isRunning()) throw new VirtioError("invalid", "the memory of a device cannot change while a queue runs");
    this.#memory = memory;
  }

  negotiate(features: bigint): boolean {
    const { phase } = this.#life;
    if (phase !== "reset" && features === this.#features) return true;
    if (this.#isRunning() || refusalOf(this.offeredFeatures, features) !== null) return false;
    this.#life.moveTo("negotiated");
    this.#features = features;
    const has = (feature: bigint): boolean => (features & feature) !== 0n;
    if (has(VirtioBlkFeature.CONFIG_WCE) && !has(VirtioBlkFeature.FLUSH)) this.#writeback = false;
    this.#updateRules();
    return true;
  }

  readConfig(offset: number, length: number): Uint8Array {
    if (!isOffset(offset) || !isOffset(length)) throw new VirtioError("invalid", "no range of configuration space");
    const { preferredBlockSize } = this.#options.driver.capabilities;
    const config = buildConfig(this.offeredFeatures, this.#limits, preferredBlockSize, this.#writeback);
    const bytes = new Uint8Array(length).fill(0xff);
    bytes.set(config.subarray(offset, offset + length));
    return bytes;
  }

  writeConfig(offset: number, bytes: Uint8Array): void {
    const value = bytes[WRITEBACK_OFFSET - offset];
    if (value === undefined || configLength(this.offeredFeatures) <= WRITEBACK_OFFSET) return;
    // A transport may pass the field on before it tells the features.
    const accepted = this.#life.phase === "reset" ? this.offeredFeatures : this.#features;
    if ((accepted & VirtioBlkFeature.CONFIG_WCE) === 0n) return;
    this.#writeback = value !== 0;
    this.#updateRules();
  }

  startQueue(index: number, settings: QueueSettings): void {
    const { maxQueueSize } = this.#options;
    if (this.#queues[index] !== null) throw new VirtioError("invalid", `queue ${index} runs, or does not exist`);
    if (this.#life.phase === "needs-reset") throw new VirtioError("invalid", "the device needs a reset");
    if (settings.size > maxQueueSize) {
      throw new VirtioError("queue-size", `a queue of ${settings.size} entries: at most ${maxQueueSize} are possible`);
    }
    const has = (feature: bigint): boolean => (this.#features & feature) !== 0n;
    const ring = createVirtqueue(this.#memory, settings, {
      packed: has(VirtioFeature.RING_PACKED),
      indirect: has(VirtioFeature.INDIRECT_DESC),
      eventIdx: has(VirtioFeature.EVENT_IDX),
    });
    if (this.#life.phase === "reset") this.negotiate(0n);
    this.#life.moveTo("running");
    const queue = new DeviceQueue(index, ring, this);
    this.#queues[index] = queue;
    // What was made available before, nobody kicks for any more.
    queue.want();
    if (settings.inflight !== undefined) queue.nudge();
    this.schedule();
  }

  isStarted(index: number): boolean {
    return this.#queues[index]?.state === "started";
  }

  kick(index: number): void {
    this.#queues[index]?.kick();
  }

  stopQueue(index: number, options: StopOptions = {}): Promise<StoppedQueue> {
    const { patience = 0, putBack = false } = options;
    const queue = this.#queues[index];
    if (!queue) return Promise.resolve(NEVER_STARTED);
    const stopping = this.#stopping[index] ?? this.#beginStop(queue, putBack);
    stopping.wait(this.#options.clock, patience);
    return stopping.promise;
  }

  reset(): void {
    const givenUp: GivenUp[] = [];
    for (const [index, queue] of this.#queues.entries()) {
      if (queue !== null) (this.#stopping[index] ?? this.#beginStop(queue, false)).cut(givenUp);
    }
    // Only when no queue is left that one of them could reach: to abandon one may end others.
    for (const item of givenUp) this.executor.abandon(item);
    this.#life.moveTo("reset");
    this.#features = 0n;
    this.#writeback = this.#options.writeback;
    this.#updateRules();
  }

  resume(): void {
    this.schedule();
  }

  onResized(): void {
    const { capacity } = this.#limits;
    this.#limits = limitsOf(this.#options.driver.capabilities, this.#options);
    this.executor.refresh();
    this.#updateRules();
    if (this.#limits.capacity === capacity) return;
    this.#configGeneration += 1;
    this.#options.onConfigChange();
  }

  mayPop(): boolean {
    return this.executor.takesMore && !this.#options.isCongested();
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.defer(this.#turn);
  }

  yieldTurn(): void {
    if (this.#yielded) return;
    this.#yielded = true;
    this.#options.yieldTurn(this.#goOn);
  }

  interrupt(index: number): void {
    this.#options.onInterrupt(index);
  }

  breakDown(index: number, reason: string): void {
    if (this.#life.phase !== "running") return;
    this.#life.moveTo("needs-reset");
    for (const queue of this.#queues) queue?.breakDown();
    this.#options.onBroken(index, reason);
    this.#options.onConfigChange();
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    for (const queue of this.#queues) queue?.serve();
  };

  readonly #goOn = (): void => {
    this.#yielded = false;
    this.executor.runDeferred();
    for (const queue of this.#queues) queue?.goOn();
  };

  #isRunning(): boolean {
    return this.#queues.some((queue) => queue !== null);
  }

  #beginStop(queue: DeviceQueue, putBack: boolean): StoppingQueue {
    const stopping = new StoppingQueue(queue, this.executor, putBack, this.#onStopped);
    this.#stopping[queue.index] = stopping;
    return stopping;
  }

  readonly #onStopped = ({ queue }: StoppingQueue): void => {
    this.#stopping[queue.index] = null;
    this.#queues[queue.index] = null;
    if (!this.#isRunning()) this.#life.moveTo("negotiated");
  };

  #updateRules(): void {
    const { rules } = this.decider;
    const has = (feature: bigint): boolean => (this.#features & feature) !== 0n;
    rules.limits = this.#limits;
    rules.discard = has(VirtioBlkFeature.DISCARD);
    rules.writeZeroes = has(VirtioBlkFeature.WRITE_ZEROES);
    // A driver that knows neither feature never flushes. One that knows FLUSH alone was not told of the mode, and flushes.
    rules.writethrough = !(has(VirtioBlkFeature.CONFIG_WCE | VirtioBlkFeature.FLUSH) && this.#writeback);
  }
}

function isOffset(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 65536;
}

/** The serial as GET_ID gives it: NUL-padded, without a NUL if it is 20 long. */
function idOf(serial: string): Uint8Array {
  const id = new Uint8Array(ID_BYTES);
  for (let at = 0; at < Math.min(serial.length, ID_BYTES); at += 1) {
    const code = serial.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) throw new RangeError("serial must be printable ASCII");
    id[at] = code;
  }
  return id;
}
