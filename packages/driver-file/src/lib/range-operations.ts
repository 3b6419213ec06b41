import { BlockError, RequestFlag, toBlockError, type BlockRequest } from "@rehandle/driver-sdk";

import type { Done, SystemError } from "./file-system.ts";
import { FallocateMode, type SystemCalls } from "./system-calls.ts";

/** What the range operations of one open file share. */
export interface RangeHost {
  readonly fd: number;
  readonly systemCalls: SystemCalls;
  /** The option `discard=unmap` was given. */
  readonly unmap: boolean;
  readonly blockDevice: boolean;
  /** Bytes; the unit of fallocate here. */
  readonly blockSize: number;
  /** fallocate modes that turned out not to work on this file, so that they are not tried again. */
  readonly refusedModes: Set<number>;
}

const { ALLOCATE, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE } = FallocateMode;
const PUNCH = PUNCH_HOLE | KEEP_SIZE;

/** How {@link zeroRange} ended: done, failed, or to be done by writing. */
export type ZeroResult = BlockError | null | "write";

/** Punches a hole. On a block device only whole blocks go; what is left of a range smaller than that stays. */
export function discardRange(host: RangeHost, request: BlockRequest, done: (error: BlockError | null) => void): void {
  const start = Math.ceil(request.offset / host.blockSize) * host.blockSize;
  const end = Math.floor((request.offset + request.length) / host.blockSize) * host.blockSize;
  if (end <= start) {
    done(null);
    return;
  }
  host.systemCalls.fallocate(host.fd, PUNCH, start, end - start, (error) => done(asBlockError(error, request)));
}

/**
 * Makes a range read as zeroes without writing them, the first way of these that works: a hole if that is allowed, unwritten
 * extents, and in a file a hole that is allocated again.
 */
export function zeroRange(host: RangeHost, request: BlockRequest, done: (result: ZeroResult) => void): void {
  if (request.offset % host.blockSize !== 0 || request.length % host.blockSize !== 0) {
    done("write");
    return;
  }
  const ways: (readonly number[])[] = [];
  if ((request.flags & RequestFlag.MAY_UNMAP) !== 0 && host.unmap) ways.push([PUNCH]);
  ways.push([ZERO_RANGE]);
  if (!host.blockDevice) ways.push([PUNCH, ALLOCATE]);
  tryWays(host, request, ways, (error) => {
    done(error !== null && isUnsupported(error) ? "write" : asBlockError(error, request));
  });
}

/** Tries each way until one is supported; a way is one fallocate mode after the other. */
function tryWays(host: RangeHost, request: BlockRequest, ways: readonly (readonly number[])[], done: Done): void {
  const [way, ...others] = ways;
  if (way === undefined) {
    done(Object.assign(new Error("No fallocate mode works here"), { code: "ENOTSUP" }));
    return;
  }
  takeWay(host, request, way, (error) => {
    if (error !== null && isUnsupported(error)) tryWays(host, request, others, done);
    else done(error);
  });
}

function takeWay(host: RangeHost, request: BlockRequest, modes: readonly number[], done: Done): void {
  const [mode, ...rest] = modes;
  if (mode === undefined) {
    done(null);
    return;
  }
  if (host.refusedModes.has(mode)) {
    done(Object.assign(new Error("This fallocate mode does not work here"), { code: "ENOTSUP" }));
    return;
  }
  host.systemCalls.fallocate(host.fd, mode, request.offset, request.length, (error) => {
    if (error === null) {
      takeWay(host, request, rest, done);
      return;
    }
    if (isUnsupported(error)) host.refusedModes.add(mode);
    done(error);
  });
}

/** Can this file's holes be punched? Asked beyond the end of the file, where there is nothing to lose. */
export function canPunch(systemCalls: SystemCalls, fd: number, size: number): Promise<boolean> {
  const beyond = Math.ceil((size + 1) / 65_536) * 65_536;
  return new Promise((resolve) => {
    systemCalls.fallocate(fd, PUNCH, beyond, 65_536, (error) => resolve(error === null));
  });
}

function isUnsupported(error: NodeJS.ErrnoException): boolean {
  return error.code === "ENOTSUP" || error.code === "EOPNOTSUPP" || error.code === "ENOSYS" || error.code === "ENODEV";
}

function asBlockError(error: SystemError, request: BlockRequest): BlockError | null {
  if (error === null) return null;
  const { operation, offset, length } = request;
  if (!isUnsupported(error)) return toBlockError(error, { operation, offset, length });
  return new BlockError(error.message, { code: "ENOTSUP", operation, offset, length, cause: error });
}
