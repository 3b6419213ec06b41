import { WRITEBACK_OFFSET, configLength, parseBlockConfig, type VirtioBlockConfig } from "./block-config.ts";
import type { MessageChannel } from "../channel.ts";
import { FrontEndRequest, MAX_TABLE_REGIONS, ProtocolFeature } from "../message-numbers.ts";
import {
  decodeConfig,
  decodeU64,
  encodeConfig,
  encodeMemoryTable,
  encodeSingleRegion,
  encodeU64,
} from "../messages.ts";
import { type SystemCalls } from "../system-calls.ts";
import { protocolError, VhostUserError } from "../vhost-user-error.ts";
import { openBackEndChannel } from "./back-end-channel.ts";
import type { FrontEndSettings } from "./front-end-options.ts";
import type { SharedRegion } from "./front-end-memory.ts";
import { hasProtocolFeature, hasProtocolFeatures, negotiate, type Negotiated } from "./negotiation.ts";
import { Session } from "./session.ts";

/** Who hears of a connection. */
export interface ConnectionOwner {
  onLost(connection: Connection, error: VhostUserError): void;
  onConfigChange(connection: Connection): void;
}

/** One connection to a back end, with what was settled on it. */
export class Connection {
  /** For messages that the front end has no method for. @hidden */
  readonly session: Session;
  readonly negotiated: Negotiated;
  readonly #backEndChannel: MessageChannel | null;

  private constructor(session: Session, negotiated: Negotiated, backEndChannel: MessageChannel | null) {
    this.session = session;
    this.negotiated = negotiated;
    this.#backEndChannel = backEndChannel;
  }

  /** Connects and negotiates. @throws VhostUserError; nothing is left open then. */
  static async open(
    calls: SystemCalls,
    settings: FrontEndSettings,
    required: bigint,
    owner: ConnectionOwner,
  ): Promise<Connection> {
    let connection: Connection | null = null;
    const session = new Session(calls.connectUnix(settings.path), {
      calls,
      clock: settings.clock,
      replyTimeoutMs: settings.replyTimeoutMs,
      onLost: (error) => connection !== null && owner.onLost(connection, error),
    });
    let backEndChannel: MessageChannel | null = null;
    try {
      const negotiated = await negotiate(session, { ...settings, required });
      if (hasProtocolFeature(negotiated.protocolFeatures, ProtocolFeature.BACKEND_REQ)) {
        const onConfigChange = (): void => void (connection !== null && owner.onConfigChange(connection));
        backEndChannel = await openBackEndChannel(calls, session, onConfigChange);
      }
      connection = new Connection(session, negotiated, backEndChannel);
      return connection;
    } catch (error) {
      backEndChannel?.close();
      session.close();
      throw error;
    }
  }

  /** True if a protocol feature was negotiated. */
  has(bit: number): boolean {
    return hasProtocolFeature(this.negotiated.protocolFeatures, bit);
  }

  /** True if vrings have to be enabled; without protocol features they run from SET_VRING_KICK on. */
  get enables(): boolean {
    return hasProtocolFeatures(this.negotiated.features);
  }

  /** GET_CONFIG. @throws VhostUserError `ENOTSUP` without CONFIG, `EPROTO` if the back end refuses. */
  async readConfigBytes(offset: number, length: number): Promise<Uint8Array> {
    this.#require(ProtocolFeature.CONFIG, "configuration space");
    const asked = encodeConfig({ offset, size: length, flags: 0, bytes: new Uint8Array(length) });
    const { payload } = await this.session.request(FrontEndRequest.GET_CONFIG, asked);
    if (payload.length === 0) throw protocolError(`the back end has no ${length} bytes of configuration at ${offset}`);
    const { bytes } = decodeConfig(payload, "reply to VHOST_USER_GET_CONFIG");
    if (bytes.length !== length)
      throw protocolError(`the back end has no ${length} bytes of configuration at ${offset}`);
    return bytes;
  }

  /** The fields of configuration space. */
  async readConfig(): Promise<VirtioBlockConfig> {
    const { offeredFeatures } = this.negotiated;
    return parseBlockConfig(await this.readConfigBytes(0, configLength(offeredFeatures)), offeredFeatures);
  }

  /** SET_CONFIG of any bytes. */
  async writeConfigBytes(offset: number, bytes: Uint8Array): Promise<void> {
    this.#require(ProtocolFeature.CONFIG, "configuration space");
    const payload = encodeConfig({ offset, size: bytes.length, flags: 0, bytes });
    await this.session.command(FrontEndRequest.SET_CONFIG, payload);
  }

  /** SET_CONFIG of `writeback`. */
  setWriteback(writeback: boolean): Promise<void> {
    return this.writeConfigBytes(WRITEBACK_OFFSET, Uint8Array.of(writeback ? 1 : 0));
  }

  /** SET_FEATURES. */
  setFeatures(features: bigint): Promise<void> {
    return this.session.command(FrontEndRequest.SET_FEATURES, encodeU64(features));
  }

  /** Tells all of memory: region by region with CONFIGURE_MEM_SLOTS, else in one table. */
  async shareMemory(regions: readonly SharedRegion[]): Promise<void> {
    if (this.has(ProtocolFeature.CONFIGURE_MEM_SLOTS)) {
      for (const region of regions) await this.addMemoryRegion(region);
      return;
    }
    if (regions.length > MAX_TABLE_REGIONS) {
      throw new VhostUserError(`the back end takes ${MAX_TABLE_REGIONS} regions of memory`, "ENOTSUP");
    }
    const fds = regions.map(({ fd }) => fd);
    await this.session.command(FrontEndRequest.SET_MEM_TABLE, encodeMemoryTable(regions.map(describe)), fds);
  }

  /** ADD_MEM_REG. */
  async addMemoryRegion(region: SharedRegion): Promise<void> {
    this.#require(ProtocolFeature.CONFIGURE_MEM_SLOTS, "memory slots");
    await this.session.command(FrontEndRequest.ADD_MEM_REG, encodeSingleRegion(describe(region)), [region.fd]);
  }

  /** REM_MEM_REG. */
  async removeMemoryRegion(region: SharedRegion): Promise<void> {
    this.#require(ProtocolFeature.CONFIGURE_MEM_SLOTS, "memory slots");
    await this.session.command(FrontEndRequest.REM_MEM_REG, encodeSingleRegion(describe(region)));
  }

  /** SET_STATUS, if STATUS was negotiated. */
  async setStatus(status: number): Promise<void> {
    if (!this.has(ProtocolFeature.STATUS)) return;
    await this.session.command(FrontEndRequest.SET_STATUS, encodeU64(BigInt(status)));
  }

  /** GET_STATUS. @throws VhostUserError `ENOTSUP` without STATUS. */
  async getStatus(): Promise<number> {
    this.#require(ProtocolFeature.STATUS, "device status");
    const { payload } = await this.session.request(FrontEndRequest.GET_STATUS);
    return Number(decodeU64(payload, "reply to VHOST_USER_GET_STATUS"));
  }

  /** RESET_DEVICE. @throws VhostUserError `ENOTSUP` without it. */
  async resetDevice(): Promise<void> {
    this.#require(ProtocolFeature.RESET_DEVICE, "reset");
    await this.session.command(FrontEndRequest.RESET_DEVICE);
  }

  /** Ends it at once. Harmless the second time. */
  close(): void {
    this.session.close();
    this.#backEndChannel?.close();
  }

  #require(bit: number, what: string): void {
    if (!this.has(bit)) throw new VhostUserError(`${what} was not negotiated with the back end`, "ENOTSUP");
  }
}

function describe({ guestAddress, size, userAddress }: SharedRegion): {
  guestAddress: bigint;
  size: bigint;
  userAddress: bigint;
  mmapOffset: bigint;
} {
  return {
    guestAddress: BigInt(guestAddress),
    size: BigInt(size),
    userAddress: BigInt(userAddress),
    mmapOffset: 0n,
  };
}
