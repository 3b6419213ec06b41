import type { DriverCapabilities } from "@rehandle/driver-sdk";

import { VirtioBlkFeature, VirtioFeature } from "./virtio-features.ts";

/** What decides which features a device offers. */
export interface FeatureChoices {
  /** The guest may write. */
  readonly writable: boolean;
  readonly numQueues: number;
  /** Offer packed rings. */
  readonly packed: boolean;
}

const ALWAYS =
  VirtioBlkFeature.SEG_MAX |
  VirtioBlkFeature.GEOMETRY |
  VirtioBlkFeature.BLK_SIZE |
  VirtioBlkFeature.FLUSH |
  VirtioBlkFeature.TOPOLOGY |
  VirtioFeature.INDIRECT_DESC |
  VirtioFeature.EVENT_IDX |
  VirtioFeature.VERSION_1;

/** The features of a device over storage with these capabilities. SECURE_ERASE, LIFETIME and ZONED are never among them. */
export function offeredFeatures(
  capabilities: Pick<DriverCapabilities, "discard" | "writeZeroes">,
  choices: FeatureChoices,
): bigint {
  const { writable, numQueues, packed } = choices;
  let features: bigint = ALWAYS;
  if (!writable) features |= VirtioBlkFeature.RO;
  else {
    // Without writes there is no cache to be told about.
    features |= VirtioBlkFeature.CONFIG_WCE;
    if (capabilities.discard) features |= VirtioBlkFeature.DISCARD;
    if (capabilities.writeZeroes) features |= VirtioBlkFeature.WRITE_ZEROES;
  }
  if (numQueues > 1) features |= VirtioBlkFeature.MQ;
  if (packed) features |= VirtioFeature.RING_PACKED;
  return features;
}

/** Features that only drivers of virtio 1.0 and later know, so that none of them goes without VERSION_1. */
const NEEDS_VERSION_1 = VirtioFeature.RING_PACKED | VirtioFeature.IN_ORDER | VirtioFeature.ACCESS_PLATFORM;

/**
 * Why a driver's choice cannot be worked with, or null. A driver that leaves VERSION_1 out is a legacy one, and served all
 * the same: on a little-endian host the only difference that a block device sees is which features it knows.
 */
export function refusalOf(offered: bigint, accepted: bigint): string | null {
  const unknown = accepted & ~offered;
  if (unknown !== 0n) return `features 0x${unknown.toString(16)} were accepted and not offered`;
  const modern = accepted & NEEDS_VERSION_1;
  if (modern !== 0n && (accepted & VirtioFeature.VERSION_1) === 0n) {
    return `features 0x${modern.toString(16)} need VIRTIO_F_VERSION_1`;
  }
  return null;
}
