/** Fills the bytes `offset` … `offset + length` of an iov with zeroes (QEMU: `qemu_iovec_memset`). */
export function zeroIov(iov: readonly Uint8Array[], offset: number, length: number): void {
  let skip = offset;
  let left = length;
  for (const part of iov) {
    if (left === 0) return;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const count = Math.min(part.length - skip, left);
    part.fill(0, skip, skip + count);
    left -= count;
    skip = 0;
  }
}
