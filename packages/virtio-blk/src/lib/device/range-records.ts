import type { DeviceLimits } from "./config-space.ts";
import { SECTOR_SIZE, VirtioBlkStatus, type RequestStatus } from "./request-type.ts";

/** Bytes of one record of DISCARD and WRITE_ZEROES: sector u64, num_sectors u32, flags u32. */
export const RECORD_BYTES = 16;

/** Flag of a record: the space may be given back. */
const UNMAP = 1;

/** The ranges of one DISCARD or WRITE_ZEROES, bytes. Reused from request to request. */
export class RangeRecords {
  readonly offsets: number[] = [];
  readonly lengths: number[] = [];
  readonly unmap: boolean[] = [];
  count = 0;

  /**
   * Takes all records out of the bytes, and checks each before any is acted on. Ranges must lie within the capacity, fit the
   * logical block, and not be over the limit; an unknown flag, or `unmap` where it makes no sense, is unsupported.
   * @param unmapAllowed WRITE_ZEROES: true; DISCARD: false.
   */
  parse(bytes: Uint8Array, limits: DeviceLimits, unmapAllowed: boolean): RequestStatus {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.count = 0;
    const blockSectors = limits.logicalBlockSize / SECTOR_SIZE;
    let status: RequestStatus = VirtioBlkStatus.OK;
    for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
      const sector = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      const sectors = view.getUint32(at + 8, true);
      const flags = view.getUint32(at + 12, true);
      if ((flags & ~(unmapAllowed ? UNMAP : 0)) !== 0) return VirtioBlkStatus.UNSUPP;
      if (sectors > limits.maxRangeSectors || sector + sectors > limits.capacity) status = VirtioBlkStatus.IOERR;
      if (sector % blockSectors !== 0 || sectors % blockSectors !== 0) status = VirtioBlkStatus.IOERR;
      this.offsets[this.count] = sector * SECTOR_SIZE;
      this.lengths[this.count] = sectors * SECTOR_SIZE;
      this.unmap[this.count] = flags === UNMAP && limits.mayUnmap;
      this.count += 1;
    }
    return status;
  }
}
