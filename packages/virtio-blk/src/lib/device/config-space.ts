import type { DriverCapabilities } from "@rehandle/driver-sdk";

import { SECTOR_SIZE } from "./request-type.ts";
import { VirtioBlkFeature } from "./virtio-features.ts";

/** What configuration space tells the driver, but for `writeback` (virtio 1.2, section 5.2.4). */
export interface DeviceLimits {
  /** Sectors of 512 bytes; a multiple of the logical block. */
  readonly capacity: number;
  /** Most data segments of a request. */
  readonly segMax: number;
  /** Bytes; a power of two, 512 … 65536. What positions and lengths have to be multiples of. */
  readonly logicalBlockSize: number;
  /** Bytes; a power of two ≥ logicalBlockSize. What is fastest. */
  readonly physicalBlockSize: number;
  readonly numQueues: number;
  /** Longest range of a record of DISCARD and WRITE_ZEROES, sectors. */
  readonly maxRangeSectors: number;
  /** Most records of a DISCARD or WRITE_ZEROES. */
  readonly maxRanges: number;
  /** WRITE_ZEROES may give the space back. */
  readonly mayUnmap: boolean;
}

/** Offset of `writeback`, the only field that a driver may write. */
export const WRITEBACK_OFFSET = 32;

/**
 * 1 GiB. A longer one would keep a driver busy for long with one request, and none of the guests that are known asks for more
 * at a time.
 */
const MAX_RANGE_SECTORS = 2 ** 21;

/**
 * Linux merges up to 256 discards that are not adjacent into one request when it may. They are done one after the other, so
 * that more in one would only make the guest wait longer for the first.
 */
const MAX_RANGES = 64;

/** Sectors that whole blocks of storage give. */
function capacityOf(size: number, logicalBlockSize: number): number {
  return Math.floor(size / logicalBlockSize) * (logicalBlockSize / SECTOR_SIZE);
}

/** What the storage allows and the options say. */
export function limitsOf(
  capabilities: DriverCapabilities,
  options: { logicalBlockSize: number; segMax: number; numQueues: number },
): DeviceLimits {
  const { logicalBlockSize, segMax, numQueues } = options;
  return {
    capacity: capacityOf(capabilities.size, logicalBlockSize),
    segMax,
    logicalBlockSize,
    // Larger ones go to min_io_size alone: mkfs takes the physical block for its sector, and has an upper limit there.
    physicalBlockSize: Math.max(logicalBlockSize, Math.min(capabilities.preferredBlockSize, 4096)),
    numQueues,
    maxRangeSectors: MAX_RANGE_SECTORS,
    maxRanges: MAX_RANGES,
    mayUnmap: capabilities.discard,
  };
}

/** Bytes of configuration space: up to the last field of a feature that is offered, as in QEMU. */
export function configLength(offered: bigint): number {
  if ((offered & VirtioBlkFeature.WRITE_ZEROES) !== 0n) return 57;
  if ((offered & VirtioBlkFeature.DISCARD) !== 0n) return 48;
  return 36;
}

/** Configuration space as bytes, little-endian. Fields of features that are not offered are 0. */
export function buildConfig(
  offered: bigint,
  limits: DeviceLimits,
  preferredBlockSize: number,
  writeback: boolean,
): Uint8Array {
  const bytes = new Uint8Array(60);
  const view = new DataView(bytes.buffer);
  const has = (feature: bigint): boolean => (offered & feature) !== 0n;
  view.setUint32(0, limits.capacity % 2 ** 32, true);
  view.setUint32(4, Math.floor(limits.capacity / 2 ** 32), true);
  view.setUint32(12, limits.segMax, true);
  if (has(VirtioBlkFeature.GEOMETRY)) writeGeometry(view, limits.capacity);
  view.setUint32(20, limits.logicalBlockSize, true);
  if (has(VirtioBlkFeature.TOPOLOGY)) {
    view.setUint8(24, Math.log2(limits.physicalBlockSize / limits.logicalBlockSize));
    view.setUint16(26, Math.min(0xffff, Math.max(1, preferredBlockSize / limits.logicalBlockSize)), true);
  }
  view.setUint8(WRITEBACK_OFFSET, writeback ? 1 : 0);
  view.setUint16(34, limits.numQueues, true);
  if (has(VirtioBlkFeature.DISCARD)) {
    view.setUint32(36, limits.maxRangeSectors, true);
    view.setUint32(40, limits.maxRanges, true);
    view.setUint32(44, limits.physicalBlockSize / SECTOR_SIZE, true);
  }
  if (has(VirtioBlkFeature.WRITE_ZEROES)) {
    view.setUint32(48, limits.maxRangeSectors, true);
    view.setUint32(52, limits.maxRanges, true);
    view.setUint8(56, limits.mayUnmap ? 1 : 0);
  }
  return bytes.subarray(0, configLength(offered));
}

/** Cylinders, heads and sectors as QEMU guesses them; firmware that knows nothing better adds them up to a size. */
function writeGeometry(view: DataView, capacity: number): void {
  const [heads, sectors] = [16, 63];
  view.setUint16(16, Math.min(16383, Math.max(2, Math.floor(capacity / (heads * sectors)))), true);
  view.setUint8(18, heads);
  view.setUint8(19, sectors);
}
