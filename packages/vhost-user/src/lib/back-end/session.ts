import type { VirtioBlockDevice } from "@rehandle/virtio-blk";
import { VirtioFeature } from "@rehandle/virtio-blk";
import type { Clock } from "@rehandle/driver-sdk";

import { ProtocolFeature, VhostFeature, VRING_ADDR_LOG } from "../message-numbers.ts";
import type { InflightDescription, LogDescription, VringAddress } from "../messages.ts";
import type { SigbusGuard } from "../sigbus-guard.ts";
import type { SystemCalls } from "../system-calls.ts";
import { protocolError } from "../vhost-user-error.ts";
import { ConfigNotifier } from "./config-notifier.ts";
import { DirtyLog } from "./dirty-log.ts";
import { InflightRegion } from "./inflight-region.ts";
import { MemoryTable } from "./memory-table.ts";
import type { RetiredMappings } from "./retired-mappings.ts";
import { decodeBase, encodeBase, Vring } from "./vring.ts";

/** What a session works on. */
export interface SessionOptions {
  readonly calls: SystemCalls;
  readonly guard: SigbusGuard | null;
  readonly clock: Clock;
  readonly device: VirtioBlockDevice;
  readonly retired: RetiredMappings;
  /** How long requests may take to complete when queues are stopped, ms. */
  readonly stopPatience: number;
  readonly maxMemory: number;
  /** The session cannot go on. */
  readonly onBroken: (error: unknown) => void;
}

/** Protocol features that are offered. */
export const OFFERED_PROTOCOL_FEATURES: bigint = Object.values(ProtocolFeature).reduce(
  (all, bit) => all | (1n << BigInt(bit)),
  0n,
);

const LOG_ALL: bigint = 1n << BigInt(VhostFeature.LOG_ALL);
const PROTOCOL_FEATURES: bigint = 1n << BigInt(VhostFeature.PROTOCOL_FEATURES);

/** Everything that one connection of a front end sets up, and what becomes of it; messages are somebody else's. */
export class Session {
  readonly memory: MemoryTable;
  protocolFeatures = 0n;
  /** Device status that the front end set. */
  status = 0;
  readonly #options: SessionOptions;
  readonly #vrings: readonly Vring[];
  #features = 0n;
  #log: DirtyLog | null = null;
  #inflight: InflightRegion | null = null;
  #notifier: ConfigNotifier | null = null;
  /** Until when requests may take to complete; queues that are stopped one after the other share it. Clock's ms. */
  #stopDue: number | null = null;
  readonly #stopping: Set<number> = new Set();
  #faults: number;

  constructor(options: SessionOptions) {
    const { calls, device, guard, onBroken } = options;
    this.#options = options;
    this.#faults = guard?.faults ?? 0;
    this.memory = new MemoryTable(options);
    const listener = { onKick: (index: number) => this.#onKick(index), onBroken };
    this.#vrings = Array.from({ length: device.numQueues }, (_, index) => new Vring(calls, index, listener));
  }

  get device(): VirtioBlockDevice {
    return this.#options.device;
  }

  get calls(): SystemCalls {
    return this.#options.calls;
  }

  /** Features as vhost has them: the device's and its own. */
  get offeredFeatures(): bigint {
    return this.device.offeredFeatures | LOG_ALL | PROTOCOL_FEATURES;
  }

  get isPacked(): boolean {
    return (this.device.features & VirtioFeature.RING_PACKED) !== 0n;
  }

  /** True while the device may use memory that it was not given up for. */
  get isRunning(): boolean {
    return this.#stopping.size > 0 || this.#vrings.some(({ index }) => this.device.isStarted(index));
  }

  hasProtocolFeature(bit: number): boolean {
    return (this.protocolFeatures & (1n << BigInt(bit))) !== 0n;
  }

  /** @throws VhostUserError `EPROTO` if there is no such ring. */
  vring(index: number): Vring {
    const vring = this.#vrings[index];
    if (vring === undefined) throw protocolError(`there is no queue ${index}`);
    return vring;
  }

  /** @throws VhostUserError `EPROTO` if the device refuses them. */
  setFeatures(features: bigint): void {
    if (
      (features & ~this.offeredFeatures) !== 0n ||
      !this.device.negotiate(features & ~(LOG_ALL | PROTOCOL_FEATURES))
    ) {
      throw protocolError(`features 0x${features.toString(16)} cannot be negotiated`);
    }
    this.#features = features;
    // Without protocol features there is no message that enables a ring.
    if ((features & PROTOCOL_FEATURES) === 0n) for (const vring of this.#vrings) vring.enabled = true;
    this.#updateLogging();
    this.startReady();
  }

  /** Starts every ring that has become ready. */
  startReady(): void {
    for (const vring of this.#vrings) {
      if (vring.isReady && !this.device.isStarted(vring.index)) this.#start(vring);
    }
  }

  /** Stops a ring; what is unfinished goes back into the ring and the inflight region. Returns where it stands. */
  async stop(index: number): Promise<number> {
    const vring = this.vring(index);
    if (this.device.isStarted(index)) {
      const { clock, stopPatience } = this.#options;
      this.#stopDue ??= clock.now() + stopPatience;
      const patience = Math.max(0, this.#stopDue - clock.now());
      const packed = this.isPacked;
      this.#stopping.add(index);
      const { position } = await this.device.stopQueue(index, { patience, putBack: true });
      vring.base = encodeBase(position, packed);
      this.#stopping.delete(index);
      this.#onStopped();
    }
    return vring.base ?? 0;
  }

  /** Stops all rings, together. */
  async stopAll(patience: number = this.#options.stopPatience): Promise<void> {
    this.#stopDue = this.#options.clock.now() + patience;
    await Promise.all(this.#vrings.map((vring) => this.stop(vring.index)));
  }

  /** Device reset, at once. The memory stays. */
  reset(): void {
    this.device.reset();
    for (const vring of this.#vrings) vring.reset();
    this.#onStopped();
  }

  setLog(description: LogDescription, fd: number): void {
    const log = new DirtyLog(this.calls, this.#options.guard, description, fd);
    this.#log?.close();
    this.#log = log;
    this.#updateLogging();
  }

  setInflight(description: InflightDescription, fd: number): void {
    const { calls, guard, device } = this.#options;
    if (this.isRunning) throw protocolError("the inflight region cannot change while a queue runs");
    const inflight = new InflightRegion(calls, guard, description, fd, device);
    this.#inflight?.close();
    this.#inflight = inflight;
  }

  /** Takes over `fd`, the back end's own channel. */
  setBackendChannel(fd: number): void {
    const { onBroken } = this.#options;
    const needReply = this.hasProtocolFeature(ProtocolFeature.REPLY_ACK);
    this.#notifier?.close();
    this.#notifier = new ConfigNotifier(this.calls, fd, needReply, onBroken);
  }

  /** The device interrupts. */
  interrupt(index: number): void {
    this.#vrings[index]?.call();
  }

  /** The driver broke the rules on a ring. */
  signalError(index: number): void {
    this.#vrings[index]?.signalError();
  }

  configChanged(): void {
    if (this.hasProtocolFeature(ProtocolFeature.CONFIG)) this.#notifier?.notify();
  }

  /** @throws VhostUserError `EPROTO` if the front end took memory away. To be called after each turn. */
  checkFaults(): void {
    const { guard, retired } = this.#options;
    if (guard === null || guard.faults === this.#faults) return;
    this.#faults = guard.faults;
    const own = this.memory.faults + retired.faults + (this.#log?.faults ?? 0) + (this.#inflight?.faults ?? 0);
    if (own > 0) throw protocolError("the front end made its memory smaller while it was in use");
  }

  /** Gives back everything. Queues stop at once, unless `stopAll` stopped them before. */
  close(): void {
    for (const vring of this.#vrings) {
      // No reset: the mode of the write cache outlives a connection, as the guest is not told that it ended.
      void this.device.stopQueue(vring.index);
      vring.close();
    }
    this.#stopping.clear();
    this.memory.memory.onDirty = null;
    this.memory.close();
    this.#notifier?.close();
    this.#log?.close();
    this.#inflight?.close();
    this.#options.retired.sweep();
  }

  #start(vring: Vring): void {
    const { address, size, index } = vring;
    if (address === null) return;
    if (size > this.device.maxQueueSize) throw protocolError(`queue ${index} has ${size} entries`);
    if (!this.isRunning && this.device.memory !== this.memory.memory) this.device.setMemory(this.memory.memory);
    const packed = this.isPacked;
    const inflight = this.#inflight?.part(index, packed);
    const usedLogAddress = logAddress(address);
    this.#stopDue = null;
    const areas = this.#toGuest(address, size, packed);
    const isNew = vring.base === null || (packed && vring.base === 0 && this.#isUntouched(areas));
    this.device.startQueue(index, {
      size,
      ...areas,
      ...(!isNew && { position: decodeBase(vring.base ?? 0, packed) }),
      ...(inflight !== undefined && { inflight }),
      ...(usedLogAddress !== undefined && { usedLogAddress }),
    });
  }

  #toGuest(address: VringAddress, size: number, packed: boolean): Areas {
    const { memory } = this;
    return {
      descriptorArea: memory.toGuest(address.descriptor, 16 * size),
      driverArea: memory.toGuest(address.available, packed ? 4 : 4 + 2 * size),
      deviceArea: memory.toGuest(address.used, packed ? 4 : 4 + 8 * size),
    };
  }

  /**
   * True if no descriptor was ever made available at the start of a packed ring. User-Mode Linux knows of no wrap counters
   * and says 0 for a new ring; for any other that is a place in a later lap, when that descriptor was in use before.
   */
  #isUntouched({ descriptorArea }: Areas): boolean {
    const { memory } = this.memory;
    const flags =
      memory.readByte(descriptorArea + DESCRIPTOR_FLAGS) | memory.readByte(descriptorArea + DESCRIPTOR_FLAGS + 1);
    return (flags & DESCRIPTOR_AVAIL_OR_USED) === 0;
  }

  #onStopped(): void {
    if (this.isRunning) return;
    this.memory.cutOff(this.device.lingering);
    this.#options.retired.sweep();
  }

  #onKick(index: number): void {
    this.device.kick(index);
    this.checkFaults();
  }

  #updateLogging(): void {
    const logs = (this.#features & LOG_ALL) !== 0n;
    this.memory.memory.onDirty = logs ? (this.#log?.mark ?? null) : null;
  }
}

/** In a packed ring's descriptor (virtio 1.2, 2.8.13): where its flags are, and bits 7 and 15 of them, either's own byte. */
const DESCRIPTOR_FLAGS = 14;
const DESCRIPTOR_AVAIL_OR_USED = 0x80;

interface Areas {
  readonly descriptorArea: number;
  readonly driverArea: number;
  readonly deviceArea: number;
}

/** Where writes to the used ring are logged. Front ends give the address before they ask for logging. */
function logAddress(address: VringAddress): number | undefined {
  const isGiven = (address.flags & VRING_ADDR_LOG) !== 0 || address.log !== 0n;
  if (!isGiven || address.log > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return Number(address.log);
}
