import { DeviceStatus, VirtioFeature } from "@rehandle/virtio-blk";
import { FrontEndRequest, ProtocolFeature } from "../message-numbers.ts";
import { encodeLog } from "../messages.ts";
import type { SystemCalls } from "../system-calls.ts";
import { VhostUserError } from "../vhost-user-error.ts";
import type { VirtioBlockConfig } from "./block-config.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { DirtyLog } from "./dirty-log.ts";
import { nextState, type FrontEndState } from "./front-end-state.ts";
import { FrontEndMemory, type GuestRegion, type SharedRegion } from "./front-end-memory.ts";
import type { FrontEndSettings } from "./front-end-options.ts";
import { getInflightRegion, setInflightRegion, type InflightRegion } from "./inflight-region.ts";
import { LOG_ALL, type Negotiated } from "./negotiation.ts";
import { SharedLog } from "./shared-log.ts";
import { enableVring, sendVringAddress, startVring, stopVring } from "./vring-messages.ts";
import { createVrings, recoverBase } from "./vring-set.ts";
import type { Vring } from "./vring.ts";

const { ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK } = DeviceStatus;

/**
 * The side of a virtual machine, without one: owns guest memory, vrings and the inflight region, and has a back end work on
 * them. Made by `connectVhostUser`. Its methods are not to be called while another has not settled.
 */
export class VhostUserFrontEnd {
  /** Guest memory, shared with the back end. */
  readonly memory: FrontEndMemory;
  readonly vrings: readonly Vring[];
  readonly #calls: SystemCalls;
  readonly #settings: FrontEndSettings;
  readonly #owner: ConnectionOwner;
  #connection: Connection;
  #config: VirtioBlockConfig | null;
  #state: FrontEndState = "negotiated";
  #memoryShared = false;
  #inflight: InflightRegion | null = null;
  #log: SharedLog | null = null;

  private constructor(
    calls: SystemCalls,
    settings: FrontEndSettings,
    connection: Connection,
    config: VirtioBlockConfig | null,
    numQueues: number,
    owner: ConnectionOwner,
  ) {
    this.#calls = calls;
    this.#settings = settings;
    this.#connection = connection;
    this.#config = config;
    this.#owner = owner;
    this.memory = new FrontEndMemory(calls, settings.memory);
    try {
      const onFault = (index: number, error: unknown): void => settings.onEvent({ type: "vring-fault", index, error });
      const { features } = connection.negotiated;
      this.vrings = createVrings(calls, this.memory, { ...settings, numQueues, features, onFault });
    } catch (error) {
      this.memory.close();
      throw error;
    }
  }

  /** Connects, negotiates and makes the vrings, which do not run yet. See `connectVhostUser`. */
  static async open(calls: SystemCalls, settings: FrontEndSettings): Promise<VhostUserFrontEnd> {
    const made: VhostUserFrontEnd[] = [];
    const owner: ConnectionOwner = {
      onLost: (connection, error) => made.forEach((frontEnd) => frontEnd.#onLost(connection, error)),
      onConfigChange: (connection) => made.forEach((frontEnd) => frontEnd.#onConfigChange(connection)),
    };
    const required = settings.features & VirtioFeature.RING_PACKED;
    const connection = await Connection.open(calls, settings, required, owner);
    try {
      const config = connection.has(ProtocolFeature.CONFIG) ? await connection.readConfig() : null;
      const { maxQueues } = connection.negotiated;
      const numQueues = settings.numQueues ?? Math.min(config?.numQueues ?? 1, maxQueues, settings.maxQueues);
      if (numQueues > maxQueues) {
        throw new VhostUserError(`the back end has ${maxQueues} queues, not ${numQueues}`, "EINVAL");
      }
      const frontEnd = new VhostUserFrontEnd(calls, settings, connection, config, numQueues, owner);
      made.push(frontEnd);
      return frontEnd;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get state(): FrontEndState {
    return this.#state;
  }

  /** What the back end offers, and what of it was taken. */
  get negotiated(): Negotiated {
    return this.#connection.negotiated;
  }

  /** Configuration space as it was last read. @throws VhostUserError `ENOTSUP` if the back end has none. */
  get config(): VirtioBlockConfig {
    if (this.#config === null) throw new VhostUserError("the back end has no configuration space", "ENOTSUP");
    return this.#config;
  }

  /** The region that the back end notes in what it has in flight; null without INFLIGHT_SHMFD, and before `start`. */
  get inflight(): InflightRegion | null {
    return this.#inflight;
  }

  /** The messages themselves, for those who want to try more than this class does. */
  get connection(): Connection {
    return this.#connection;
  }

  /** Reads configuration space anew. */
  async readConfig(): Promise<VirtioBlockConfig> {
    this.#config = await this.#connection.readConfig();
    return this.#config;
  }

  /** Writes `writeback`, the only writable field: false for write-through. */
  async setWriteback(writeback: boolean): Promise<void> {
    await this.#connection.setWriteback(writeback);
    await this.readConfig();
  }

  /** Has the back end work on the vrings, from where it stopped. */
  async start(): Promise<void> {
    this.#require("negotiated");
    const connection = this.#connection;
    const { session } = connection;
    const { features } = connection.negotiated;
    await connection.setStatus(ACKNOWLEDGE | DRIVER);
    await connection.setFeatures(this.#log === null ? features : features | LOG_ALL);
    await connection.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    await this.#shareInflight();
    if (!this.#memoryShared) await connection.shareMemory(this.memory.regions);
    this.#memoryShared = true;
    const options = { logged: this.#log !== null, enable: connection.enables };
    for (const vring of this.vrings) await startVring(session, vring, this.memory, options);
    await connection.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    this.#setState("started");
  }

  /** Stops all vrings and notes where they stand. What the back end had not completed then, it takes up at the next start. */
  async stop(): Promise<void> {
    this.#require("started");
    const { session, enables } = this.#connection;
    for (const vring of this.vrings) await stopVring(session, vring, enables);
    await this.#connection.setStatus(0);
    for (const vring of this.vrings) vring.collect();
    this.#setState("negotiated");
  }

  /** Enables or disables one vring while all run (SET_VRING_ENABLE). */
  async enableVring(index: number, enabled: boolean): Promise<void> {
    this.#require("started");
    await enableVring(this.#connection.session, index, enabled);
  }

  /**
   * Resets the device: whatever was in flight is lost, the vrings are empty, and `start` has to follow.
   * @throws VhostUserError `ENOTSUP` if the back end does not know RESET_DEVICE.
   */
  async resetDevice(): Promise<void> {
    if (this.#state !== "started") this.#require("negotiated");
    await this.#connection.resetDevice();
    this.#dropInflight();
    if (this.#state === "started") this.#setState("negotiated");
    for (const vring of this.vrings) vring.reset();
  }

  /** Adds memory while running. @throws VhostUserError `ENOTSUP` if it was shared and there is no CONFIGURE_MEM_SLOTS. */
  async addMemory(region: GuestRegion): Promise<SharedRegion> {
    const added = this.memory.addRegion(region);
    try {
      if (this.#memoryShared) await this.#connection.addMemoryRegion(added);
      return added;
    } catch (error) {
      this.memory.removeRegion(added.guestAddress);
      throw error;
    }
  }

  /** Takes memory away of which nothing is allocated. */
  async removeMemory(guestAddress: number): Promise<void> {
    const region = this.memory.regions.find((one) => one.guestAddress === guestAddress);
    if (region !== undefined && this.#memoryShared) await this.#connection.removeMemoryRegion(region);
    this.memory.removeRegion(guestAddress);
  }

  /**
   * Has the back end log which pages it writes to, as for a live migration. Read it until `stopDirtyLog`.
   * @throws VhostUserError `ENOTSUP` without LOG_SHMFD and VHOST_F_LOG_ALL.
   */
  async startDirtyLog(): Promise<DirtyLog> {
    const connection = this.#connection;
    const { offeredFeatures } = connection.negotiated;
    if (!connection.has(ProtocolFeature.LOG_SHMFD) || (offeredFeatures & LOG_ALL) === 0n) {
      throw new VhostUserError("the back end cannot log what it writes", "ENOTSUP");
    }
    this.#log ??= new SharedLog(this.#calls, this.memory.end);
    const payload = encodeLog({ size: BigInt(this.#log.size), offset: 0n });
    await connection.session.request(FrontEndRequest.SET_LOG_BASE, payload, [this.#log.fd]);
    await this.#sendLogged();
    return this.#log.log;
  }

  /** Ends the logging. What the log says stays readable. */
  async stopDirtyLog(): Promise<void> {
    const log = this.#log;
    this.#log = null;
    try {
      await this.#sendLogged();
    } finally {
      log?.close();
    }
  }

  /**
   * Connects again after the connection was lost; `start` has to follow. The memory is the same, and so is the inflight
   * region, so that the back end takes up what it had in flight. Without a region that is lost: the vrings are empty then.
   * @throws VhostUserError, also `ENOTSUP` if the back end offers less than before; it can be tried again.
   */
  async reconnect(): Promise<void> {
    if (this.#state === "closed") throw closed();
    this.#connection.close();
    if (this.#state !== "disconnected") this.#setState("disconnected");
    const { features } = this.#connection.negotiated;
    const settings = { ...this.#settings, features };
    this.#connection = await Connection.open(this.#calls, settings, features, this.#owner);
    this.#memoryShared = false;
    this.#log?.close();
    this.#log = null;
    for (const vring of this.vrings) {
      if (this.#inflight === null) vring.reset();
      else recoverBase(vring, this.memory);
    }
    this.#setState("negotiated");
  }

  /** Hangs up and lets go of memory and descriptors. Views of the memory read as zeroes from now on. */
  close(): void {
    if (this.#state === "closed") return;
    this.#setState("closed");
    this.#connection.close();
    for (const vring of this.vrings) vring.close();
    this.#dropInflight();
    this.#log?.close();
    this.memory.close();
  }

  async #shareInflight(): Promise<void> {
    const connection = this.#connection;
    if (!connection.has(ProtocolFeature.INFLIGHT_SHMFD)) return;
    const { queueSize } = this.#settings;
    this.#inflight ??= await getInflightRegion(connection.session, { numQueues: this.vrings.length, queueSize });
    await setInflightRegion(connection.session, this.#inflight);
  }

  #dropInflight(): void {
    if (this.#inflight !== null) this.#calls.close(this.#inflight.fd);
    this.#inflight = null;
  }

  /** Features and vring addresses say whether to log. */
  async #sendLogged(): Promise<void> {
    if (this.#state !== "started") return;
    const { negotiated, session } = this.#connection;
    const logged = this.#log !== null;
    await this.#connection.setFeatures(logged ? negotiated.features | LOG_ALL : negotiated.features);
    for (const vring of this.vrings) await sendVringAddress(session, vring, this.memory, logged);
  }

  #onLost(connection: Connection, error: VhostUserError): void {
    if (connection !== this.#connection || this.#state === "closed" || this.#state === "disconnected") return;
    connection.close();
    this.#setState("disconnected");
    this.#settings.onEvent({ type: "disconnected", error });
  }

  #onConfigChange(connection: Connection): void {
    if (connection !== this.#connection) return;
    const { onEvent } = this.#settings;
    const tell = (config: VirtioBlockConfig): void => onEvent({ type: "config-changed", config });
    // A connection that is lost meanwhile says so itself.
    this.readConfig().then(tell, () => {});
  }

  #require(state: FrontEndState): void {
    if (this.#state === "closed") throw closed();
    if (this.#state === state) return;
    throw new VhostUserError(`the front end is ${this.#state}, not ${state}`, "EINVAL");
  }

  #setState(state: FrontEndState): void {
    this.#state = nextState(this.#state, state);
  }
}

function closed(): VhostUserError {
  return new VhostUserError("the front end is closed", "EBADF");
}
