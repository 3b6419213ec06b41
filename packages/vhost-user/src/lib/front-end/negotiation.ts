import { VirtioBlkFeature, VirtioFeature } from "@rehandle/virtio-blk";
import { FrontEndRequest, ProtocolFeature, VhostFeature } from "../message-numbers.ts";
import { decodeU64, encodeU64 } from "../messages.ts";
import { VhostUserError } from "../vhost-user-error.ts";
import type { Session } from "./session.ts";

const PROTOCOL_FEATURES = 1n << BigInt(VhostFeature.PROTOCOL_FEATURES);
/** VHOST_F_LOG_ALL. */
export const LOG_ALL: bigint = 1n << BigInt(VhostFeature.LOG_ALL);

/** What a front end negotiates where nothing else is asked for: all that it knows but RING_PACKED. */
export const DEFAULT_FEATURES: bigint =
  VirtioBlkFeature.SIZE_MAX |
  VirtioBlkFeature.SEG_MAX |
  VirtioBlkFeature.GEOMETRY |
  VirtioBlkFeature.RO |
  VirtioBlkFeature.BLK_SIZE |
  VirtioBlkFeature.FLUSH |
  VirtioBlkFeature.TOPOLOGY |
  VirtioBlkFeature.CONFIG_WCE |
  VirtioBlkFeature.MQ |
  VirtioBlkFeature.DISCARD |
  VirtioBlkFeature.WRITE_ZEROES |
  VirtioFeature.INDIRECT_DESC |
  VirtioFeature.EVENT_IDX |
  VirtioFeature.VERSION_1;

/** The protocol features that a front end knows. */
export const DEFAULT_PROTOCOL_FEATURES: bigint = Object.values(ProtocolFeature).reduce(
  (all, bit) => all | (1n << BigInt(bit)),
  0n,
);

/** What a back end offers, and what of it was taken. */
export interface Negotiated {
  readonly offeredFeatures: bigint;
  /** VHOST_USER_F_PROTOCOL_FEATURES is in it if it was offered. */
  readonly features: bigint;
  readonly offeredProtocolFeatures: bigint;
  readonly protocolFeatures: bigint;
  /** GET_QUEUE_NUM: the most queues; 1 without MQ. */
  readonly maxQueues: number;
  /** GET_MAX_MEM_SLOTS; 8, those of SET_MEM_TABLE, without CONFIGURE_MEM_SLOTS. */
  readonly maxMemorySlots: number;
}

/** True if the bit is in the protocol features. */
export function hasProtocolFeature(features: bigint, bit: number): boolean {
  return (features & (1n << BigInt(bit))) !== 0n;
}

/** True if VHOST_USER_F_PROTOCOL_FEATURES is in the features. */
export function hasProtocolFeatures(features: bigint): boolean {
  return (features & PROTOCOL_FEATURES) !== 0n;
}

/**
 * Settles features with a back end, in QEMU's order.
 * @throws VhostUserError `ENOTSUP` if one of `required` is not offered.
 */
export async function negotiate(
  session: Session,
  wanted: { readonly features: bigint; readonly protocolFeatures: bigint; readonly required: bigint },
): Promise<Negotiated> {
  const offeredFeatures = await ask(session, FrontEndRequest.GET_FEATURES);
  const missing = wanted.required & ~offeredFeatures;
  if (missing !== 0n) {
    throw new VhostUserError(`the back end does not offer features 0x${missing.toString(16)}`, "ENOTSUP");
  }
  const features = offeredFeatures & (wanted.features | PROTOCOL_FEATURES);
  let [offeredProtocolFeatures, protocolFeatures] = [0n, 0n];
  if (hasProtocolFeatures(features)) {
    offeredProtocolFeatures = await ask(session, FrontEndRequest.GET_PROTOCOL_FEATURES);
    protocolFeatures = offeredProtocolFeatures & wanted.protocolFeatures;
    await session.command(FrontEndRequest.SET_PROTOCOL_FEATURES, encodeU64(protocolFeatures));
  }
  const has = (bit: number): boolean => hasProtocolFeature(protocolFeatures, bit);
  session.acknowledged = has(ProtocolFeature.REPLY_ACK);
  const maxQueues = has(ProtocolFeature.MQ) ? await ask(session, FrontEndRequest.GET_QUEUE_NUM) : 1n;
  const slots = has(ProtocolFeature.CONFIGURE_MEM_SLOTS) ? await ask(session, FrontEndRequest.GET_MAX_MEM_SLOTS) : 8n;
  await session.command(FrontEndRequest.SET_OWNER);
  return {
    offeredFeatures,
    features,
    offeredProtocolFeatures,
    protocolFeatures,
    maxQueues: Number(maxQueues),
    maxMemorySlots: Number(slots),
  };
}

/** A request without payload that is answered with one number. */
async function ask(session: Session, request: number): Promise<bigint> {
  const { payload } = await session.request(request);
  return decodeU64(payload, `reply to request ${request}`);
}
