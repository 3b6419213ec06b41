import { constants } from "node:os";

import { NO_CACHED_READS, NOT_CACHED, type CachedReader } from "./cached-reader.ts";
import { IoVectors, MOST_PARTS } from "./io-vectors.ts";
import { createAddressOf } from "./memory-address.ts";

type Koffi = typeof import("koffi");

const PAGE = 4096;
const RWF_NOWAIT = 8;
/** The same number on every Linux architecture (it came after the tables were joined). */
const SYS_CACHESTAT = 451;
const TWO_TO_32 = 0x1_0000_0000;

const { EINVAL, ENOSYS, EOPNOTSUPP, EPERM } = constants.errno;
/** It will never work on this file. EPERM: cachestat(2) is not for files that one may only read and does not own (Linux 6.18). */
const FOR_EVER: ReadonlySet<number> = new Set([EINVAL, ENOSYS, EOPNOTSUPP, EPERM]);

/**
 * A {@link CachedReader} of preadv2(2) with RWF_NOWAIT, or null if the C library lacks it.
 *
 * preadv2 alone would start the read-ahead of what is missing, and starting I/O waits when the device's queue is full - as
 * it is when the storage hangs. So cachestat(2), Linux 6.5, is asked first.
 */
export function createPageCacheReader(koffi: Koffi): CachedReader | null {
  let preadv2;
  let syscall;
  try {
    const libc = koffi.load(null);
    preadv2 = libc.func("preadv2", "int64", ["int", "void *", "int", "int64", "int"]);
    syscall = libc.func("syscall", "int64", ["int64", "int64", "void *", "void *", "int64"]);
  } catch {
    return null;
  }
  if (process.arch !== "x64" && process.arch !== "arm64") return null;

  const vectors = new IoVectors(koffi, createAddressOf(koffi));
  // Of any other error the read that is made after this one tells, if it is there to stay.
  const failed = (): number => (FOR_EVER.has(koffi.errno()) ? NO_CACHED_READS : NOT_CACHED);
  // 32-bit views save a BigInt per number; both architectures are little-endian.
  const range = new Uint32Array(32);
  const statistics = new Uint32Array(32);
  const rangeAt = Number(koffi.address(range));
  const statisticsAt = Number(koffi.address(statistics));

  return {
    read(fd, parts, offset, length) {
      if (parts.length > MOST_PARTS) return NOT_CACHED;
      range[0] = offset % TWO_TO_32;
      range[1] = offset / TWO_TO_32;
      range[2] = length;
      if (syscall(SYS_CACHESTAT, fd, rangeAt, statisticsAt, 0) !== 0) return failed();
      const pages = Math.floor((offset + length - 1) / PAGE) - Math.floor(offset / PAGE) + 1;
      if (statistics[0]! < pages) return NOT_CACHED;
      vectors.set(parts);
      const bytes: number = preadv2(fd, vectors.address, parts.length, offset, RWF_NOWAIT);
      return bytes >= 0 ? bytes : failed();
    },
  };
}
