import { VirtioError } from "../virtio-error.ts";

/** The version of both layouts; 0 is a region that nobody ran on yet. */
export const INFLIGHT_VERSION = 1;
/** Offset of `version` (u16) in both layouts. */
export const VERSION_AT = 8;
/** Offset of `desc_num` (u16) in both layouts. */
export const DESC_NUM_AT = 10;

/** Header and one state of VhostUserInflightSplit and its packed sibling, bytes. */
const SPLIT_HEADER = 16;
const SPLIT_STATE = 16;
const PACKED_HEADER = 32;
const PACKED_STATE = 32;
/** Regions of a device's queues follow each other; every back end rounds them up to a cache line. */
const ALIGNMENT = 64;

/** What the two layouts have in common. */
export interface InflightLayout {
  readonly header: number;
  readonly state: number;
}

/** QueueRegionSplit and DescStateSplit of the vhost-user specification, "Inflight I/O tracking". */
export const SPLIT_LAYOUT: InflightLayout = { header: SPLIT_HEADER, state: SPLIT_STATE };
/** QueueRegionPacked and DescStatePacked. */
export const PACKED_LAYOUT: InflightLayout = { header: PACKED_HEADER, state: PACKED_STATE };

/**
 * Bytes of the inflight region of one queue (vhost-user, "Inflight I/O tracking"), a multiple of 64. A device's region has
 * those of its queues one after the other.
 */
export function inflightBytes(size: number, packed: boolean): number {
  const { header, state } = packed ? PACKED_LAYOUT : SPLIT_LAYOUT;
  return Math.ceil((header + state * size) / ALIGNMENT) * ALIGNMENT;
}

/**
 * The bytes of a region. Every store of the tracking goes through these methods, one machine store each and in program order,
 * so that a process that dies between any two leaves what the next one can make sense of. A test stops at each.
 */
export class InflightBytes {
  readonly #bytes: Uint8Array;
  readonly #halfwords: Uint16Array;
  readonly #words: Uint32Array;
  readonly #pairs: BigUint64Array;

  /** @throws VirtioError `inflight`. */
  constructor(bytes: Uint8Array, layout: InflightLayout, size: number) {
    if (bytes.byteOffset % 8 !== 0) throw new VirtioError("inflight", "inflight region is not aligned to 8");
    const least = layout.header + layout.state * size;
    if (bytes.length < least) {
      throw new VirtioError("inflight", `inflight region has ${bytes.length} bytes, a queue of ${size} needs ${least}`);
    }
    this.#bytes = bytes;
    this.#halfwords = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 1);
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    this.#pairs = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 3);
  }

  /** Entries that a region has which was run on before; 0 for a new one. @throws VirtioError `inflight`. */
  entries(layout: InflightLayout, size: number): number {
    const version = this.get16(VERSION_AT);
    if (version === 0) return 0;
    const entries = this.get16(DESC_NUM_AT);
    if (version !== INFLIGHT_VERSION) throw new VirtioError("inflight", `inflight region has version ${version}`);
    if (entries < size || layout.header + layout.state * entries > this.#bytes.length) {
      throw new VirtioError("inflight", `inflight region has ${entries} entries, the queue has ${size}`);
    }
    return entries;
  }

  get8(offset: number): number {
    return this.#bytes[offset] ?? 0;
  }

  get16(offset: number): number {
    return this.#halfwords[offset >>> 1] ?? 0;
  }

  get32(offset: number): number {
    return this.#words[offset >>> 2] ?? 0;
  }

  set8(offset: number, value: number): void {
    this.#bytes[offset] = value;
  }

  set16(offset: number, value: number): void {
    this.#halfwords[offset >>> 1] = value;
  }

  set32(offset: number, value: number): void {
    this.#words[offset >>> 2] = value;
  }

  /** Eight bytes in one store. */
  set64(offset: number, low: number, high: number): void {
    this.#pairs[offset >>> 3] = BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);
  }
}
