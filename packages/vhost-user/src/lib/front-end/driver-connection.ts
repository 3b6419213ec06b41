import {
  defineCapabilities,
  toBlockError,
  type BlockError,
  type BlockRequest,
  type Clock,
  type DriverCapabilities,
} from "@rehandle/driver-sdk";
import { VirtioBlkFeature } from "@rehandle/virtio-blk";
import { BlockQueue } from "./block-queue.ts";
import type { VirtioBlockConfig } from "./block-config.ts";
import { connectVhostUser } from "./connect-vhost-user.ts";
import type { DriverSettings } from "./driver-options.ts";
import { DriverRequests } from "./driver-requests.ts";
import type { VhostUserFrontEnd } from "./front-end.ts";
import type { FrontEndEvent } from "./front-end-options.ts";

const SECTOR_SIZE = 512;
/** Queues that are used where the back end has more: one event loop has no use for them. */
const MOST_QUEUES = 4;
/** The longest read or write; a quarter of the shared memory where that is less. */
const MAX_TRANSFER = 1 << 20;
/** Rings and headers of all queues, in addition to payloads. */
const RING_BYTES_PER_ENTRY = 1024;

/** Who hears of a driver's connection. */
export interface DriverConnectionOwner {
  onResized(connection: DriverConnection, size: number): void;
  onLost(connection: DriverConnection, error: BlockError): void;
}

/** A back end that takes a driver's requests, until it is lost. */
export class DriverConnection {
  readonly capabilities: DriverCapabilities;
  readonly #frontEnd: VhostUserFrontEnd;
  readonly #requests: DriverRequests;
  #isLost = false;

  private constructor(frontEnd: VhostUserFrontEnd, settings: DriverSettings) {
    this.#frontEnd = frontEnd;
    const queues = frontEnd.vrings.map((vring) => new BlockQueue(vring, frontEnd.memory));
    const { config, negotiated } = frontEnd;
    this.#requests = new DriverRequests(frontEnd.memory, queues, { config, features: negotiated.features });
    this.capabilities = capabilitiesOf(config, negotiated.features, settings);
  }

  /** Connects and starts. @throws BlockError; nothing is left open then. */
  static async open(settings: DriverSettings, clock: Clock, owner: DriverConnectionOwner): Promise<DriverConnection> {
    const made: DriverConnection[] = [];
    const onEvent = (event: FrontEndEvent): void => made.forEach((connection) => connection.#onEvent(event, owner));
    let frontEnd: VhostUserFrontEnd | null = null;
    try {
      const { numQueues, ...others } = settings;
      frontEnd = await connectVhostUser({
        ...others,
        ...(numQueues === null ? { maxQueues: MOST_QUEUES } : { numQueues }),
        memory: [{ guestAddress: 0, size: memoryBytes(settings) }],
        clock,
        onEvent,
      });
      await frontEnd.start();
      const connection = new DriverConnection(frontEnd, settings);
      made.push(connection);
      return connection;
    } catch (error) {
      frontEnd?.close();
      throw toBlockError(error, { operation: "open" });
    }
  }

  submit(request: BlockRequest): void {
    this.#requests.submit(request);
  }

  /** Waits for what is in flight, then stops. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#requests.drain(resolve);
    });
    if (this.#frontEnd.state === "started") await this.#frontEnd.stop();
  }

  /** Hangs up; what is in flight is completed with `error`. */
  abort(error: BlockError): void {
    this.#isLost = true;
    this.#frontEnd.close();
    this.#requests.abandon(error);
  }

  #onEvent(event: FrontEndEvent, owner: DriverConnectionOwner): void {
    if (this.#isLost) return;
    if (event.type === "config-changed") return owner.onResized(this, event.config.capacity * SECTOR_SIZE);
    return owner.onLost(this, toBlockError(event.error));
  }
}

/** What the configuration space says, in the contract's words. */
function capabilitiesOf(config: VirtioBlockConfig, features: bigint, settings: DriverSettings): DriverCapabilities {
  const has = (feature: bigint): boolean => (features & feature) !== 0n;
  const { blkSize, topology, segMax, sizeMax } = config;
  const requestAlignment = blkSize ?? SECTOR_SIZE;
  const physical = requestAlignment * 2 ** (topology?.physicalBlockExp ?? 0);
  const parts = sizeMax === null || sizeMax < requestAlignment ? MAX_TRANSFER : sizeMax * Math.max(1, segMax ?? 1);
  return defineCapabilities({
    size: config.capacity * SECTOR_SIZE,
    readOnly: has(VirtioBlkFeature.RO),
    requestAlignment,
    preferredBlockSize: Math.max(4096, physical),
    maxTransfer: Math.min(MAX_TRANSFER, settings.memorySize / 4, parts),
    flush: has(VirtioBlkFeature.FLUSH),
    discard: has(VirtioBlkFeature.DISCARD),
    writeZeroes: has(VirtioBlkFeature.WRITE_ZEROES),
    reportsConnection: true,
    instance: "unknown",
  });
}

function memoryBytes({ memorySize, queueSize, numQueues }: DriverSettings): number {
  return memorySize + Math.ceil(((numQueues ?? MOST_QUEUES) * queueSize * RING_BYTES_PER_ENTRY) / 4096) * 4096;
}
