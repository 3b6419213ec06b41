/**
 * Copies `source` into the parts of an iov, from the iov's byte `iovOffset` on (QEMU: `qemu_iovec_from_buf`).
 * @returns bytes copied; less than `source.length` if the iov ends first.
 */
export function copyToIov(iov: readonly Uint8Array[], source: Uint8Array, iovOffset = 0): number {
  let skip = iovOffset;
  let done = 0;
  for (const part of iov) {
    if (done === source.length) break;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const count = Math.min(part.length - skip, source.length - done);
    part.set(count === source.length ? source : source.subarray(done, done + count), skip);
    done += count;
    skip = 0;
  }
  return done;
}

/**
 * Copies the parts of an iov, from the iov's byte `iovOffset` on, into `target` (QEMU: `qemu_iovec_to_buf`).
 * @returns bytes copied; less than `target.length` if the iov ends first.
 */
export function copyFromIov(iov: readonly Uint8Array[], target: Uint8Array, iovOffset = 0): number {
  let skip = iovOffset;
  let done = 0;
  for (const part of iov) {
    if (done === target.length) break;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const count = Math.min(part.length - skip, target.length - done);
    target.set(count === part.length ? part : part.subarray(skip, skip + count), done);
    done += count;
    skip = 0;
  }
  return done;
}

/**
 * The bytes `offset` … `offset + length` of an iov, as views of the same memory (QEMU: `qemu_iovec_init_slice`).
 * Shorter if the iov ends first.
 */
export function sliceIov(iov: readonly Uint8Array[], offset: number, length: number): Uint8Array[] {
  const slice: Uint8Array[] = [];
  let skip = offset;
  let left = length;
  for (const part of iov) {
    if (left === 0) break;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const count = Math.min(part.length - skip, left);
    slice.push(count === part.length ? part : part.subarray(skip, skip + count));
    left -= count;
    skip = 0;
  }
  return slice;
}
