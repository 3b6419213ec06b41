import { RequestFlag, toBlockError, type BlockError, type BlockRequest } from "@rehandle/driver-sdk";

import { SeekWhence, type SystemCalls } from "./system-calls.ts";

/** What is needed to find extents. */
export interface ExtentHost {
  readonly fd: number;
  readonly systemCalls: SystemCalls;
  /** Bytes; extents begin and end at its multiples. */
  readonly alignment: number;
}

/** Extents that one request is answered with at most: each costs a trip through the thread pool. */
const MOST_EXTENTS = 64;

/**
 * Appends the extents of a block-status request: holes as SEEK_DATA and SEEK_HOLE tell them, which read as zeroes. Blocks
 * that are allocated but were never written are holes to lseek(2), too. Nothing is told beyond the request, and after 64
 * extents the rest is left for the next request.
 */
export function findExtents(host: ExtentHost, request: BlockRequest, done: (error: BlockError | null) => void): void {
  const end = request.offset + request.length;
  const most = (request.flags & RequestFlag.REQ_ONE) === 0 ? MOST_EXTENTS : 1;

  function append(from: number, to: number, hole: boolean): void {
    const last = request.extents.at(-1);
    if (last?.hole === hole) last.length += to - from;
    else request.extents.push({ length: to - from, hole, zero: hole });
    if (to >= end || request.extents.length >= most) done(null);
    else seekFrom(to);
  }

  /** Finds out what is at `from`, a multiple of the alignment. */
  function seekFrom(from: number): void {
    host.systemCalls.seek(host.fd, from, SeekWhence.DATA, (error, data) => {
      if (error !== null) {
        none(error, from);
      } else {
        const hole = Math.min(end, data - (data % host.alignment));
        if (hole > from) append(from, hole, true);
        else seekHole(from);
      }
    });
  }

  /** There is data at `from` (or before the next multiple of the alignment). */
  function seekHole(from: number): void {
    host.systemCalls.seek(host.fd, from, SeekWhence.HOLE, (error, found) => {
      if (error !== null) {
        none(error, from);
        return;
      }
      const past = Math.ceil(found / host.alignment) * host.alignment;
      append(from, Math.min(end, Math.max(past, from + host.alignment)), false);
    });
  }

  /** ENXIO: the file ends here or has no more data. EINVAL: the file system does not know these seeks. */
  function none(error: NodeJS.ErrnoException, from: number): void {
    const { operation, offset, length } = request;
    if (error.code === "ENXIO") append(from, end, true);
    else if (error.code === "EINVAL") append(from, end, false);
    else done(toBlockError(error, { operation, offset, length }));
  }

  seekFrom(request.offset);
}
