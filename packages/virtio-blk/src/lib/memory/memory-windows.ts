import { VirtioError } from "../virtio-error.ts";

/** A run of guest memory. */
export interface MemoryRegion {
  /** Guest physical address of its first byte; a safe integer ≥ 0 and a multiple of 16. */
  readonly guestAddress: number;
  /** Bytes, > 0. */
  readonly size: number;
  /** Its bytes, one window after the other; all but the last have the same size, a power of two. */
  readonly windows: readonly ArrayBufferLike[];
}

/** One buffer of a region, with the views on it that are needed over and over. */
export class MemoryWindow {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes of it that belong to the region. */
  readonly size: number;

  constructor(buffer: ArrayBufferLike, size: number) {
    this.buffer = buffer;
    this.size = size;
    this.bytes = new Uint8Array(buffer, 0, size);
    this.view = new DataView(buffer, 0, size);
  }
}

/** A region that was checked and cut into windows. */
export class MappedRegion {
  readonly region: MemoryRegion;
  readonly start: number;
  /** First address behind it. */
  readonly end: number;
  /** Bytes of every window but the last. */
  readonly windowSize: number;
  readonly windows: readonly MemoryWindow[];

  constructor(region: MemoryRegion) {
    const { guestAddress, size } = region;
    if (!Number.isSafeInteger(guestAddress) || guestAddress < 0 || guestAddress % 16 !== 0) {
      throw new VirtioError(
        "memory-region",
        `guest address ${guestAddress} of a memory region is not a multiple of 16`,
      );
    }
    if (!Number.isSafeInteger(size) || size <= 0 || !Number.isSafeInteger(guestAddress + size)) {
      throw new VirtioError("memory-region", `memory region ${nameRegion(region)} has no valid size`);
    }
    this.region = region;
    this.start = guestAddress;
    this.end = guestAddress + size;
    this.windowSize = region.windows[0]?.byteLength ?? 0;
    this.windows = cutWindows(region, this.windowSize);
  }
}

/** How errors call a region. */
export function nameRegion(region: { readonly guestAddress: number; readonly size: number }): string {
  return `0x${region.guestAddress.toString(16)}+0x${region.size.toString(16)}`;
}

function cutWindows(region: MemoryRegion, windowSize: number): MemoryWindow[] {
  const windows: MemoryWindow[] = [];
  let left = region.size;
  for (const [i, buffer] of region.windows.entries()) {
    const last = i === region.windows.length - 1;
    if (!last && (buffer.byteLength !== windowSize || 2 ** Math.round(Math.log2(windowSize)) !== windowSize)) {
      throw new VirtioError("memory-region", `windows of memory region ${nameRegion(region)} differ in size`);
    }
    if (!last && windowSize < 16) {
      throw new VirtioError(
        "memory-region",
        `windows of memory region ${nameRegion(region)} are smaller than 16 bytes`,
      );
    }
    windows.push(new MemoryWindow(buffer, Math.min(left, buffer.byteLength)));
    left -= Math.min(left, buffer.byteLength);
    if (left === 0 && !last) {
      throw new VirtioError("memory-region", `memory region ${nameRegion(region)} has more windows than it needs`);
    }
  }
  if (left > 0 || windows.some((window) => window.size > windowSize)) {
    throw new VirtioError("memory-region", `windows of memory region ${nameRegion(region)} do not add up to its size`);
  }
  return windows;
}
