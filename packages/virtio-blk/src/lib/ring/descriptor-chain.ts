/**
 * One buffer that a driver made available, as {@link Virtqueue.pop} found it: all its parts, readable ones first, already
 * taken out of indirect tables and checked. Objects are made to be pooled; whoever pops owns it until it is pushed.
 */
export class DescriptorChain {
  /** What the used entry will name. Split ring: index of the head descriptor; packed ring: the buffer id. */
  id = 0;
  /** Packed ring: how many entries of the ring it takes. Split ring: 1. */
  ringEntries = 0;
  /** Where the inflight region keeps it. */
  inflightEntry = 0;
  /** Guest address of each part; those from 0 to `readableParts` are readable, the others writable. */
  readonly addresses: number[] = [];
  /** Bytes of each part, > 0. */
  readonly lengths: number[] = [];
  /** How many entries of `addresses` and `lengths` are valid. */
  parts = 0;
  /** How many of them the device may read. */
  readableParts = 0;
  /** Bytes that the device may read. */
  readableLength = 0;
  /** Bytes that the device may write. */
  writableLength = 0;
}
