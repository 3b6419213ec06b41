import { constants } from "node:os";

import { ALWAYS_WAITS, WOULD_WAIT, type CachedWriter } from "./cached-writer.ts";
import { IoVectors, MOST_PARTS } from "./io-vectors.ts";
import { createAddressOf } from "./memory-address.ts";

type Koffi = typeof import("koffi");

const RWF_NOWAIT = 8;
const { EINVAL, EOPNOTSUPP } = constants.errno;

/**
 * A {@link CachedWriter} of pwritev2(2) with RWF_NOWAIT, or null if the C library lacks it. XFS does such writes
 * (Linux 6.0); Btrfs takes the flag as well, but was only seen to answer that it would wait (EAGAIN).
 * ext4, tmpfs and block devices refuse them all, because there a write may have to wait at any time.
 */
export function createPageCacheWriter(koffi: Koffi): CachedWriter | null {
  if (process.arch !== "x64" && process.arch !== "arm64") return null;
  let pwritev2: (...parameters: readonly number[]) => number;
  try {
    pwritev2 = koffi.load(null).func("pwritev2", "int64", ["int", "void *", "int", "int64", "int"]);
  } catch {
    return null;
  }
  const vectors = new IoVectors(koffi, createAddressOf(koffi));
  return {
    write(fd, parts, offset) {
      if (parts.length > MOST_PARTS) return WOULD_WAIT;
      vectors.set(parts);
      const bytes = pwritev2(fd, vectors.address, parts.length, offset, RWF_NOWAIT);
      if (bytes >= 0) return bytes;
      // Any other error is told by the write that is made after this one, which may wait.
      const errno = koffi.errno();
      return errno === EOPNOTSUPP || errno === EINVAL ? ALWAYS_WAITS : WOULD_WAIT;
    },
  };
}
