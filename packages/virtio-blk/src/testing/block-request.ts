import type { GuestMemory } from "../lib/memory/guest-memory.ts";
import type { DriverBuffer } from "./driver-queue.ts";

/** Bytes of the header of a request (virtio 1.2, 5.2.6): type u32, reserved u32, sector u64. */
export const BLOCK_HEADER_BYTES = 16;

/** A run of bytes in guest memory. */
export interface BlockRequestPart {
  readonly address: number;
  /** Bytes, > 0. */
  readonly length: number;
}

/** A request as a driver lays it out; how it is cut into descriptors is another matter, see `cuts`. */
export interface BlockRequestLayout {
  /** VIRTIO_BLK_T_…: 0 IN, 1 OUT, 4 FLUSH, 8 GET_ID, 11 DISCARD, 13 WRITE_ZEROES, or any other number. */
  readonly type: number;
  /** In units of 512 bytes. A bigint for what a number cannot hold. Default 0. */
  readonly sector?: number | bigint;
  /** Guest address of 16 bytes for the header. */
  readonly header: number;
  /** The data. Default: none. */
  readonly data?: readonly BlockRequestPart[];
  /** True if the device writes the data. Default: true for IN, GET_LIFETIME and GET_ID, else false. */
  readonly dataWritable?: boolean;
  /** Guest address of the status byte. */
  readonly status: number;
  /**
   * Bytes of the descriptors, in turn, over and over: `[1]` makes each byte one, `[16, 512]` cuts after 16, after 512 more and
   * so on. What lies side by side in memory and has the same direction goes into one descriptor if the cut allows. Default: a
   * descriptor for the header, one for each part of the data and one for the status.
   */
  readonly cuts?: readonly number[];
}

/** What the status byte holds before the device wrote it. */
export const STATUS_NOT_WRITTEN = 0xff;

const WRITES_DATA = new Set([0, 8, 10]);

/**
 * Writes the header of a block request to guest memory, {@link STATUS_NOT_WRITTEN} to its status byte, and returns its buffers
 * for {@link DriverQueue.add}.
 *
 * @throws RangeError if header or status are not in guest memory, or a cut is not > 0.
 */
export function layOutBlockRequest(memory: GuestMemory, layout: BlockRequestLayout): DriverBuffer[] {
  const { type, sector = 0, header, data = [], status, cuts } = layout;
  const dataWritable = layout.dataWritable ?? WRITES_DATA.has(type);
  if (!memory.write(header, encodeBlockHeader(type, sector)) || !memory.writeByte(status, STATUS_NOT_WRITTEN)) {
    throw new RangeError("header or status of a block request are not in guest memory");
  }
  const buffers: DriverBuffer[] = [
    { address: header, length: BLOCK_HEADER_BYTES, writable: false },
    ...data.map((part) => ({ address: part.address, length: part.length, writable: dataWritable })),
    { address: status, length: 1, writable: true },
  ];
  return cuts === undefined ? buffers : cut(buffers, cuts);
}

/** The bytes of a header. */
export function encodeBlockHeader(type: number, sector: number | bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(BLOCK_HEADER_BYTES));
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return new Uint8Array(view.buffer);
}

/** A record of DISCARD, WRITE_ZEROES and SECURE_ERASE. */
export interface BlockRangeRecord {
  /** In units of 512 bytes. */
  readonly sector: number | bigint;
  /** In units of 512 bytes. */
  readonly sectors: number;
  /** Bit 0: unmap. Default 0. */
  readonly flags?: number;
}

/** The bytes of records: sector u64, num_sectors u32, flags u32 each. */
export function encodeBlockRanges(records: readonly BlockRangeRecord[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16 * records.length));
  for (const [i, record] of records.entries()) {
    view.setBigUint64(16 * i, BigInt(record.sector), true);
    view.setUint32(16 * i + 8, record.sectors, true);
    view.setUint32(16 * i + 12, record.flags ?? 0, true);
  }
  return new Uint8Array(view.buffer);
}

function cut(buffers: readonly DriverBuffer[], cuts: readonly number[]): DriverBuffer[] {
  const pieces: DriverBuffer[] = [];
  let turn = 0;
  let left = 0;
  for (const buffer of buffers) {
    for (let done = 0; done < buffer.length;) {
      const address = buffer.address + done;
      const last = pieces.at(-1);
      const joins = last !== undefined && last.writable === buffer.writable && last.address + last.length === address;
      const fresh = left === 0;
      if (fresh) left = cuts[turn++ % cuts.length] ?? 0;
      if (!(left > 0)) throw new RangeError("a cut has to be > 0");
      const length = Math.min(left, buffer.length - done);
      if (joins && !fresh) pieces[pieces.length - 1] = { ...last, length: last.length + length };
      else pieces.push({ address, length, writable: buffer.writable });
      done += length;
      left -= length;
    }
  }
  return pieces;
}
