import { createSystemClock, type Clock } from "@rehandle/driver-sdk";
import type { VhostUserError } from "../vhost-user-error.ts";
import type { VirtioBlockConfig } from "./block-config.ts";
import type { GuestRegion } from "./front-end-memory.ts";
import { DEFAULT_FEATURES, DEFAULT_PROTOCOL_FEATURES } from "./negotiation.ts";

/** What a front end tells, unasked. */
export type FrontEndEvent =
  /** The back end says that configuration space changed (BACKEND_REQ); this is what it is now. */
  | { readonly type: "config-changed"; readonly config: VirtioBlockConfig }
  /** The back end cannot go on with a vring, or what it did with it makes no sense. */
  | { readonly type: "vring-fault"; readonly index: number; readonly error: unknown }
  /** The connection is lost. */
  | { readonly type: "disconnected"; readonly error: VhostUserError };

/** Options of `connectVhostUser`. */
export interface VhostUserFrontEndOptions {
  /** Path of the back end's socket, at most 107 bytes. */
  readonly path: string;
  /** Guest memory. Default: 16 MiB at address 0. */
  readonly memory?: readonly GuestRegion[];
  /** Entries of each vring: a power of two, or with RING_PACKED any number, 2 … 1024. Default 128. */
  readonly queueSize?: number;
  /** Vrings, 1 … 256. Default: as many as the back end's configuration space has. `EINVAL` if it has fewer. */
  readonly numQueues?: number;
  /** Most vrings where `numQueues` is not given, 1 … 256. Default 256. */
  readonly maxQueues?: number;
  /**
   * Feature bits that may be negotiated. Default {@link DEFAULT_FEATURES}. With RING_PACKED in it the back end has to offer
   * that (`ENOTSUP`).
   */
  readonly features?: bigint;
  /** Protocol feature bits that may be negotiated. Default {@link DEFAULT_PROTOCOL_FEATURES}. */
  readonly protocolFeatures?: bigint;
  /** A back end that has not answered a message for so long is given up (`ETIMEDOUT`), ms. Default 10000. */
  readonly replyTimeoutMs?: number;
  /** Where time comes from. Default: the system's. */
  readonly clock?: Clock;
  /** Hears what happens. */
  readonly onEvent?: (event: FrontEndEvent) => void;
}

/** Options with every default filled in, but for `numQueues`. */
export type FrontEndSettings = Required<Omit<VhostUserFrontEndOptions, "numQueues">> & {
  readonly numQueues: number | null;
};

/** Checks the options and fills in the defaults. @throws RangeError naming the option. */
export function resolveOptions(options: VhostUserFrontEndOptions): FrontEndSettings {
  const { queueSize = 128, numQueues = null, replyTimeoutMs = 10_000 } = options;
  requireInteger("queueSize", queueSize, 2, 1024);
  const { maxQueues = 256 } = options;
  requireInteger("maxQueues", maxQueues, 1, 256);
  if (numQueues !== null) requireInteger("numQueues", numQueues, 1, 256);
  if (!(replyTimeoutMs > 0)) throw new RangeError(`replyTimeoutMs must be > 0, not ${replyTimeoutMs}`);
  return {
    path: options.path,
    memory: options.memory ?? [{ guestAddress: 0, size: 16 << 20 }],
    queueSize,
    numQueues,
    maxQueues,
    features: options.features ?? DEFAULT_FEATURES,
    protocolFeatures: options.protocolFeatures ?? DEFAULT_PROTOCOL_FEATURES,
    replyTimeoutMs,
    clock: options.clock ?? createSystemClock(),
    onEvent: options.onEvent ?? (() => {}),
  };
}

/** @throws RangeError naming the option. */
export function requireInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`);
}
