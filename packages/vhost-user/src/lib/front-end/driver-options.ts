import { DEFAULT_FEATURES, DEFAULT_PROTOCOL_FEATURES } from "./negotiation.ts";
import { requireInteger } from "./front-end-options.ts";

/** Options of `createVhostUserDriver`. */
export interface VhostUserDriverOptions {
  /** Path of the back end's socket, at most 107 bytes. */
  readonly path: string;
  /** Vrings, 1 … 256. Default: as many as the back end has, 4 at most. `EINVAL` at open if it has fewer. */
  readonly numQueues?: number;
  /** Entries of each vring: a power of two, 2 … 1024. Default 128. */
  readonly queueSize?: number;
  /**
   * Bytes of memory that is shared with the back end, 1 MiB … 1 GiB, a multiple of 4096: all payloads in flight lie in it,
   * and requests wait where it is full. Default 32 MiB.
   */
  readonly memorySize?: number;
  /** Feature bits that may be negotiated. Default `DEFAULT_FEATURES`. */
  readonly features?: bigint;
  /** Protocol feature bits that may be negotiated. Default `DEFAULT_PROTOCOL_FEATURES`. */
  readonly protocolFeatures?: bigint;
  /** A back end that has not answered a message of the protocol for so long is given up, ms, > 0. Default 10000. */
  readonly replyTimeoutMs?: number;
  /** Pause between two tries to connect again, ms, > 0. Default 50. */
  readonly reconnectMs?: number;
}

/** Options with every default filled in, but for `numQueues`. */
export type DriverSettings = Required<Omit<VhostUserDriverOptions, "numQueues">> & {
  readonly numQueues: number | null;
};

const MIB = 1 << 20;

/** Checks the options and fills in the defaults. @throws RangeError naming the option. */
export function resolveDriverOptions(options: VhostUserDriverOptions): DriverSettings {
  const {
    numQueues = null,
    queueSize = 128,
    memorySize = 32 * MIB,
    replyTimeoutMs = 10_000,
    reconnectMs = 50,
  } = options;
  if (numQueues !== null) requireInteger("numQueues", numQueues, 1, 256);
  requireInteger("queueSize", queueSize, 2, 1024);
  requireInteger("memorySize", memorySize, MIB, 1024 * MIB);
  if (memorySize % 4096 !== 0) throw new RangeError(`memorySize must be a multiple of 4096, not ${memorySize}`);
  if (!(replyTimeoutMs > 0)) throw new RangeError(`replyTimeoutMs must be > 0, not ${replyTimeoutMs}`);
  if (!(reconnectMs > 0)) throw new RangeError(`reconnectMs must be > 0, not ${reconnectMs}`);
  return {
    path: options.path,
    numQueues,
    queueSize,
    memorySize,
    features: options.features ?? DEFAULT_FEATURES,
    protocolFeatures: options.protocolFeatures ?? DEFAULT_PROTOCOL_FEATURES,
    replyTimeoutMs,
    reconnectMs,
  };
}
