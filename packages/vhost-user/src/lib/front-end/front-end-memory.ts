import { GuestMemory } from "@rehandle/virtio-blk";
import { Seal, type SystemCalls } from "../system-calls.ts";
import { AddressAllocator } from "./address-allocator.ts";

/** Where a region of guest memory is to be. */
export interface GuestRegion {
  /** Guest address of its first byte; a multiple of 4096, a safe integer ≥ 0. */
  readonly guestAddress: number;
  /** Bytes, a multiple of 4096, > 0. */
  readonly size: number;
}

/** A region as the back end is told of it. */
export interface SharedRegion extends GuestRegion {
  /** Where this process has it mapped; addresses of vrings are given in terms of it. */
  readonly userAddress: number;
  /** The memory file; the back end gets a duplicate. */
  readonly fd: number;
}

/** Larger ArrayBuffers abort some versions of Node. */
const WINDOW = 2 ** 30;
const PAGE = 4096;

/**
 * Guest memory that is shared with a back end: memory files, sealed against becoming smaller, and somebody who gives out
 * their bytes.
 */
export class FrontEndMemory {
  /** The same memory for whoever translates addresses. */
  readonly guest: GuestMemory = new GuestMemory();
  readonly #calls: SystemCalls;
  readonly #allocator: AddressAllocator = new AddressAllocator();
  readonly #regions: SharedRegion[] = [];

  /** @throws RangeError or VhostUserError if a region is malformed or there is no memory; nothing is left open then. */
  constructor(calls: SystemCalls, regions: readonly GuestRegion[]) {
    this.#calls = calls;
    try {
      for (const region of regions) this.addRegion(region);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** In the order in which they were added. */
  get regions(): readonly SharedRegion[] {
    return this.#regions;
  }

  /** First guest address behind all regions. */
  get end(): number {
    return this.#regions.reduce((end, { guestAddress, size }) => Math.max(end, guestAddress + size), 0);
  }

  /**
   * The guest address of `size` bytes that nobody else has, in one region and one window.
   * @param alignment Bytes. Default 16.
   * @throws RangeError if there is no room.
   */
  allocate(size: number, alignment?: number): number {
    return this.#allocator.allocate(size, alignment);
  }

  /** Takes back what `allocate` gave out. */
  free(address: number): void {
    this.#allocator.free(address);
  }

  /** The bytes at a guest address. @throws RangeError if they are not all in one window. */
  bytes(address: number, length: number): Uint8Array {
    const bytes = this.guest.contiguous(address, length);
    if (bytes === null) throw new RangeError(`guest memory has no ${length} bytes in a row at ${address}`);
    return bytes;
  }

  /** Maps a further region; the back end is not told. @throws RangeError, VirtioError or VhostUserError. */
  addRegion({ guestAddress, size }: GuestRegion): SharedRegion {
    requirePages("guestAddress", guestAddress, 0);
    requirePages("size", size, PAGE);
    const calls = this.#calls;
    const fd = calls.createMemoryFile("guest-memory", size);
    try {
      calls.addSeals(fd, Seal.SHRINK | Seal.GROW | Seal.SEAL);
      const address = calls.map(fd, 0, size);
      const windows: ArrayBuffer[] = [];
      for (let at = 0; at < size; at += WINDOW) {
        windows.push(calls.view(address + BigInt(at), Math.min(WINDOW, size - at)));
      }
      this.guest.addRegion({ guestAddress, size, windows });
      for (let at = 0; at < size; at += WINDOW) this.#allocator.add(guestAddress + at, Math.min(WINDOW, size - at));
      const region = { guestAddress, size, userAddress: Number(address), fd };
      this.#regions.push(region);
      return region;
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  /** Takes a region away of which nothing is in use. @throws RangeError if there is none, or something is. */
  removeRegion(guestAddress: number): SharedRegion {
    const index = this.#regions.findIndex((region) => region.guestAddress === guestAddress);
    const region = this.#regions[index];
    if (region === undefined) throw new RangeError(`there is no region of guest memory at ${guestAddress}`);
    if (!this.#allocator.withdraw(guestAddress, region.size)) {
      throw new RangeError(`the region of guest memory at ${guestAddress} is in use`);
    }
    this.#regions.splice(index, 1);
    this.guest.removeRegion(region);
    this.#drop(region);
    return region;
  }

  /** The address in terms of this process, as vring addresses are told. @throws RangeError if it is not in memory. */
  userAddressOf(address: number): number {
    const region = this.#regions.find((one) => address >= one.guestAddress && address < one.guestAddress + one.size);
    if (region === undefined) throw new RangeError(`guest address ${address} is not in memory`);
    return address - region.guestAddress + region.userAddress;
  }

  /** Lets go of all memory. */
  close(): void {
    for (const region of this.#regions.splice(0)) this.#drop(region);
  }

  /**
   * Empty memory takes the place of the file: a view that somebody kept reads as zeroes, where an unmapped one would end the
   * process. It costs addresses, no memory.
   */
  #drop({ fd, userAddress, size }: SharedRegion): void {
    this.#calls.map(null, 0, size, { at: BigInt(userAddress) });
    this.#calls.close(fd);
  }
}

function requirePages(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least && value % PAGE === 0) return;
  throw new RangeError(`${name} of guest memory must be a multiple of ${PAGE} from ${least} on, not ${value}`);
}
