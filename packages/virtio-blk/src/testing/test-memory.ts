import { GuestMemory } from "../lib/memory/guest-memory.ts";

/** What {@link createTestMemory} makes. */
export interface TestMemoryOptions {
  /** Guest address of the first byte, a multiple of 16. Default 0x10000, so that address 0 is no memory. */
  readonly guestAddress?: number;
  /** Cut the memory into windows of this many bytes, a power of two ≥ 16. Default: one window. */
  readonly windowSize?: number;
  /** Cut it into this many regions next to each other, of equal size and a multiple of 16 bytes each. Default 1. */
  readonly regions?: number;
}

/** Guest memory for tests, with somebody who hands it out. */
export interface TestMemory {
  readonly memory: GuestMemory;
  /** Guest address of its first byte. */
  readonly start: number;
  /** First guest address behind it. */
  readonly end: number;
  /**
   * The guest address of bytes that nobody else has; they are never taken back.
   *
   * @param align - Default 16.
   * @throws RangeError if there is no room.
   */
  readonly allocate: (bytes: number, align?: number) => number;
}

/** Guest memory of `size` bytes over plain buffers, all zero. */
export function createTestMemory(size: number, options: TestMemoryOptions = {}): TestMemory {
  const { guestAddress = 0x10000, regions = 1 } = options;
  const memory = new GuestMemory();
  const part = Math.floor(size / regions / 16) * 16;
  for (let i = 0; i < regions; i++) {
    const bytes = i === regions - 1 ? size - part * i : part;
    const windowSize = Math.min(options.windowSize ?? bytes, bytes);
    const windows: ArrayBuffer[] = [];
    for (let at = 0; at < bytes; at += windowSize) windows.push(new ArrayBuffer(Math.min(windowSize, bytes - at)));
    memory.addRegion({ guestAddress: guestAddress + part * i, size: bytes, windows });
  }
  return { memory, start: guestAddress, end: guestAddress + size, allocate: createAllocator(guestAddress, size) };
}

/**
 * Hands out addresses from `start` on, for memory that is there already, such as the one a vhost-user front end shares.
 *
 * @returns As {@link TestMemory.allocate}.
 */
export function createAllocator(start: number, size: number): (bytes: number, align?: number) => number {
  let next = start;
  return (bytes, align = 16) => {
    const address = Math.ceil(next / align) * align;
    if (address + bytes > start + size) throw new RangeError(`no room for ${bytes} bytes of guest memory`);
    next = address + bytes;
    return address;
  };
}
