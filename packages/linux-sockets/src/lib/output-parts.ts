/**
 * What one write is to send: runs of bytes, in this order. The lists are parallel and are used again, so that a batch of
 * replies makes no garbage.
 */
export class OutputParts {
  /** How many runs there are; what the lists hold beyond means nothing. */
  count = 0;
  /** Bytes of all runs together. */
  length = 0;
  readonly bytes: Uint8Array[] = [];
  /** Where in `bytes[i]` run `i` begins and ends. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  /**
   * Adds the bytes from `start` to `end`, which must stay as they are until they are sent.
   * @throws RangeError if they are not all in there, as when the memory was transferred to somebody else.
   */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`bytes ${start} to ${end} are outside of a buffer of ${bytes.length} bytes`);
    }
    const at = this.count;
    this.bytes[at] = bytes;
    this.starts[at] = start;
    this.ends[at] = end;
    this.count = at + 1;
    this.length += end - start;
  }

  /** Forgets all runs, and lets go of their memory. */
  clear(): void {
    this.bytes.length = 0;
    this.starts.length = 0;
    this.ends.length = 0;
    this.count = 0;
    this.length = 0;
  }
}
