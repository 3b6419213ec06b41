/** Feature bits that say which fields of the configuration space exist (virtio 1.2, section 5.2.3). */
const SIZE_MAX = 1n << 1n;
const SEG_MAX = 1n << 2n;
const GEOMETRY = 1n << 4n;
const BLK_SIZE = 1n << 6n;
const TOPOLOGY = 1n << 10n;
const CONFIG_WCE = 1n << 11n;
const MQ = 1n << 12n;
const DISCARD = 1n << 13n;
const WRITE_ZEROES = 1n << 14n;
const SECURE_ERASE = 1n << 16n;

/** Where `writeback` is: the only byte of the configuration space that a driver may write. */
export const WRITEBACK_OFFSET = 32;

/** Bytes up to the end of the fields of each feature, longest first. */
const ENDS: readonly (readonly [feature: bigint, end: number])[] = [
  [SECURE_ERASE, 72],
  [WRITE_ZEROES, 57],
  [DISCARD, 48],
  [MQ, 36],
  [CONFIG_WCE, 33],
  [TOPOLOGY, 32],
  [BLK_SIZE, 24],
  [GEOMETRY, 20],
  [SEG_MAX, 16],
  [SIZE_MAX, 12],
];

/** Limits of discard or of secure erase. */
export interface DiscardLimits {
  /** 512-byte sectors of one record. */
  readonly maxSectors: number;
  /** Records of one request. */
  readonly maxSegments: number;
  /** 512-byte sectors. */
  readonly sectorAlignment: number;
}

/** Configuration space of a block device (virtio 1.2, section 5.2.4). A field without its feature is null. */
export interface VirtioBlockConfig {
  /** 512-byte sectors; a safe integer. */
  readonly capacity: number;
  /** Bytes: the longest part of a request. */
  readonly sizeMax: number | null;
  /** Parts of a request, at most. */
  readonly segMax: number | null;
  readonly geometry: { readonly cylinders: number; readonly heads: number; readonly sectors: number } | null;
  /** Bytes of a logical block. */
  readonly blkSize: number | null;
  readonly topology: {
    /** Logarithm, to base 2, of logical blocks in a physical one. */
    readonly physicalBlockExp: number;
    /** Logical blocks. */
    readonly alignmentOffset: number;
    /** Logical blocks. */
    readonly minIoSize: number;
    /** Logical blocks. */
    readonly optIoSize: number;
  } | null;
  /** False: write-through. */
  readonly writeback: boolean | null;
  readonly numQueues: number | null;
  readonly discard: DiscardLimits | null;
  readonly writeZeroes: {
    /** 512-byte sectors of one record. */
    readonly maxSectors: number;
    /** Records of one request. */
    readonly maxSegments: number;
    readonly mayUnmap: boolean;
  } | null;
  readonly secureErase: DiscardLimits | null;
}

/** Bytes of configuration space that a device with these features has at least, zoned storage left out. 8 … 72. */
export function configLength(features: bigint): number {
  return ENDS.find(([feature]) => (features & feature) !== 0n)?.[1] ?? 8;
}

/**
 * Reads the fields that the features say are there.
 * @throws RangeError if `bytes` is shorter than {@link configLength} or the capacity is no safe integer.
 */
export function parseBlockConfig(bytes: Uint8Array, features: bigint): VirtioBlockConfig {
  const length = configLength(features);
  if (bytes.length < length) throw new RangeError(`configuration space has ${bytes.length} bytes, not ${length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const has = (feature: bigint): boolean => (features & feature) !== 0n;
  const capacity = view.getBigUint64(0, true);
  if (capacity > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RangeError(`a capacity of ${capacity} sectors is too large`);
  return {
    capacity: Number(capacity),
    sizeMax: has(SIZE_MAX) ? view.getUint32(8, true) : null,
    segMax: has(SEG_MAX) ? view.getUint32(12, true) : null,
    geometry: has(GEOMETRY)
      ? { cylinders: view.getUint16(16, true), heads: view.getUint8(18), sectors: view.getUint8(19) }
      : null,
    blkSize: has(BLK_SIZE) ? view.getUint32(20, true) : null,
    topology: has(TOPOLOGY) ? parseTopology(view) : null,
    writeback: has(CONFIG_WCE) ? view.getUint8(WRITEBACK_OFFSET) !== 0 : null,
    numQueues: has(MQ) ? view.getUint16(34, true) : null,
    discard: has(DISCARD) ? parseLimits(view, 36) : null,
    writeZeroes: has(WRITE_ZEROES)
      ? {
          maxSectors: view.getUint32(48, true),
          maxSegments: view.getUint32(52, true),
          mayUnmap: view.getUint8(56) !== 0,
        }
      : null,
    secureErase: has(SECURE_ERASE) ? parseLimits(view, 60) : null,
  };
}

function parseTopology(view: DataView): VirtioBlockConfig["topology"] {
  return {
    physicalBlockExp: view.getUint8(24),
    alignmentOffset: view.getUint8(25),
    minIoSize: view.getUint16(26, true),
    optIoSize: view.getUint32(28, true),
  };
}

function parseLimits(view: DataView, at: number): DiscardLimits {
  return {
    maxSectors: view.getUint32(at, true),
    maxSegments: view.getUint32(at + 4, true),
    sectorAlignment: view.getUint32(at + 8, true),
  };
}
