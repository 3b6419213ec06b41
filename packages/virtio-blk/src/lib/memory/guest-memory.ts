import { VirtioError } from "../virtio-error.ts";
import { MappedRegion, type MemoryRegion, MemoryWindow, nameRegion } from "./memory-windows.ts";

export type { MemoryRegion } from "./memory-windows.ts";

/** Hears of every range of guest memory that the device wrote, after it wrote it: a dirty log for live migration. */
export type DirtyListener = (guestAddress: number, length: number) => void;

const NOWHERE: MemoryWindow = new MemoryWindow(new ArrayBuffer(0), 0);

/** Where {@link GuestMemory.locate} found bytes. Made to be used again and again. */
export class MemoryPlace {
  /** The window that they are in. */
  window: MemoryWindow = NOWHERE;
  /** Of their first byte in the window. */
  offset = 0;
}

/**
 * The memory of a guest as the device sees it: regions at guest addresses, each over one or more buffers. Every address
 * comes from the guest, so nothing here believes any: what is not wholly in memory is refused.
 *
 * Addresses are numbers. A 64-bit one from 2^53 on cannot be in any region, so whoever reads one from two halves refuses a
 * high half ≥ 2^21 and need not ask.
 */
export class GuestMemory {
  /** Told of each {@link wrote}. Null: nobody keeps a dirty log. */
  onDirty: DirtyListener | null = null;
  /** Sorted by address; they never overlap. */
  #regions: MappedRegion[] = [];
  /** Where the last look-up ended; nearly always the next one's answer too. */
  #last: MappedRegion | null = null;
  #generation = 0;
  readonly #place: MemoryPlace = new MemoryPlace();

  /** @throws VirtioError `memory-region` if a region is malformed or two overlap. */
  constructor(regions: readonly MemoryRegion[] = []) {
    for (const region of regions) this.addRegion(region);
  }

  /** Its regions, by address. */
  get regions(): readonly MemoryRegion[] {
    return this.#regions.map((mapped) => mapped.region);
  }

  /** Grows whenever regions come or go. Who keeps views into memory has to make them anew then. */
  get generation(): number {
    return this.#generation;
  }

  /** @throws VirtioError `memory-region` if it is malformed or overlaps a region that is there. */
  addRegion(region: MemoryRegion): void {
    const mapped = new MappedRegion(region);
    const clash = this.#regions.find((other) => mapped.start < other.end && other.start < mapped.end);
    if (clash !== undefined) {
      throw new VirtioError(
        "memory-region",
        `memory region ${nameRegion(region)} overlaps ${nameRegion(clash.region)}, which is there already`,
      );
    }
    this.#regions.push(mapped);
    this.#regions.sort((a, b) => a.start - b.start);
    this.#generation++;
  }

  /**
   * Forgets the region at this guest address with this size. Parts that {@link translate} gave out stay usable as long as
   * their buffers do.
   *
   * @returns False if there is no such region.
   */
  removeRegion(region: { readonly guestAddress: number; readonly size: number }): boolean {
    const index = this.#regions.findIndex(
      (mapped) => mapped.start === region.guestAddress && mapped.region.size === region.size,
    );
    if (index === -1) return false;
    this.#regions.splice(index, 1);
    this.#last = null;
    this.#generation++;
    return true;
  }

  /** True if all of `length` bytes from `address` are memory, in however many regions. */
  contains(address: number, length: number): boolean {
    const last = this.#last;
    if (last !== null && address >= last.start && address + length <= last.end) return true;
    let at = address;
    const end = address + length;
    do {
      const mapped = this.#find(at);
      if (mapped === null) return false;
      at = mapped.end;
    } while (at < end);
    return true;
  }

  /**
   * Appends views of `length` bytes from `address` on, as few as windows and regions allow, none for no bytes.
   *
   * @returns False if any byte is not memory; nothing is appended then.
   */
  translate(address: number, length: number, iov: Uint8Array[]): boolean {
    const place = this.#place;
    if (this.locate(address, length, place)) {
      if (length > 0) iov.push(new Uint8Array(place.window.buffer, place.offset, length));
      return true;
    }
    if (!this.contains(address, length)) return false;
    let at = address;
    let left = length;
    while (left > 0 && this.locate(at, 1, place)) {
      const here = Math.min(left, place.window.size - place.offset);
      iov.push(new Uint8Array(place.window.buffer, place.offset, here));
      at += here;
      left -= here;
    }
    return true;
  }

  /** A view of `length` bytes from `address`, or null if they are not all in one window. */
  contiguous(address: number, length: number): Uint8Array | null {
    const place = this.#place;
    if (!this.locate(address, length, place)) return null;
    return new Uint8Array(place.window.buffer, place.offset, length);
  }

  /** Like {@link contiguous} but makes no object: false, or `place` says where the bytes are. */
  locate(address: number, length: number, place: MemoryPlace): boolean {
    let mapped = this.#last;
    if (mapped === null || !(address >= mapped.start && address + length <= mapped.end)) {
      mapped = this.#find(address);
      if (mapped === null || address + length > mapped.end) return false;
    }
    let offset = address - mapped.start;
    let index = 0;
    if (mapped.windows.length > 1) {
      index = Math.floor(offset / mapped.windowSize);
      offset -= index * mapped.windowSize;
    }
    const window = mapped.windows[index];
    if (window === undefined || offset + length > window.size) return false;
    place.window = window;
    place.offset = offset;
    return true;
  }

  /** Copies memory from `address` on into all of `bytes`. False if any byte is not memory; nothing is copied then. */
  read(address: number, bytes: Uint8Array): boolean {
    return this.#copy(address, bytes, false);
  }

  /** Copies `bytes` to `address`. False if any byte is not memory; nothing is copied then. Does not call {@link wrote}. */
  write(address: number, bytes: Uint8Array): boolean {
    return this.#copy(address, bytes, true);
  }

  /** The byte at `address`, or −1 if that is not memory. */
  readByte(address: number): number {
    const place = this.#place;
    return this.locate(address, 1, place) ? place.window.view.getUint8(place.offset) : -1;
  }

  /** Writes one byte. False if `address` is not memory. Does not call {@link wrote}. */
  writeByte(address: number, value: number): boolean {
    const place = this.#place;
    if (!this.locate(address, 1, place)) return false;
    place.window.view.setUint8(place.offset, value);
    return true;
  }

  /** Device code says so after it wrote to memory, by whatever way; cheap if nobody listens. */
  wrote(address: number, length: number): void {
    if (this.onDirty !== null && length > 0) this.onDirty(address, length);
  }

  #find(address: number): MappedRegion | null {
    for (const mapped of this.#regions) {
      if (address >= mapped.start && address < mapped.end) {
        this.#last = mapped;
        return mapped;
      }
    }
    return null;
  }

  #copy(address: number, bytes: Uint8Array, toMemory: boolean): boolean {
    if (!this.contains(address, bytes.length)) return false;
    const place = this.#place;
    let done = 0;
    while (done < bytes.length && this.locate(address + done, 1, place)) {
      const here = Math.min(bytes.length - done, place.window.size - place.offset);
      const memory = place.window.bytes.subarray(place.offset, place.offset + here);
      if (toMemory) memory.set(bytes.subarray(done, done + here));
      else bytes.set(memory, done);
      done += here;
    }
    return true;
  }
}
