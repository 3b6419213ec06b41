/**
 * How a striped disk lies on its members: the first stripe on member 0, the next on member 1, and so on round.
 * Whatever is contiguous on the disk is contiguous on every member, so a request needs at most one request per member.
 */
export interface StripeMap {
  /** Bytes. */
  readonly stripeSize: number;
  readonly members: number;
}

/** How many of the disk's first `position` bytes lie on a member; so also where a range that begins there begins on it. */
export function bytesOnMember(map: StripeMap, member: number, position: number): number {
  const row = map.stripeSize * map.members;
  const rows = Math.floor(position / row);
  const inRow = position - rows * row - member * map.stripeSize;
  return rows * map.stripeSize + Math.min(map.stripeSize, Math.max(0, inRow));
}

/** The member that holds the byte at `position`, and how many bytes follow before the next member's turn. */
export function stripeAt(map: StripeMap, position: number): { member: number; left: number } {
  const stripe = Math.floor(position / map.stripeSize);
  return { member: stripe % map.members, left: (stripe + 1) * map.stripeSize - position };
}

/** The parts of an iov that begins at `offset` of the disk, sorted by member: views of the same memory. */
export function splitIov(map: StripeMap, offset: number, iov: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = Array.from({ length: map.members }, () => []);
  let position = offset;
  for (const part of iov) {
    for (let done = 0; done < part.length;) {
      const { member, left } = stripeAt(map, position);
      const count = Math.min(left, part.length - done);
      parts[member]?.push(count === part.length ? part : part.subarray(done, done + count));
      done += count;
      position += count;
    }
  }
  return parts;
}
