import { GuestMemory, type LingeringRequest } from "@rehandle/virtio-blk";

import type { RegionDescription } from "../messages.ts";
import { SharedMapping } from "../shared-mapping.ts";
import type { SigbusGuard } from "../sigbus-guard.ts";
import type { SystemCalls } from "../system-calls.ts";
import { protocolError } from "../vhost-user-error.ts";
import type { RetiredMappings } from "./retired-mappings.ts";

/** Regions that a front end may have (what QEMU's own back ends report: VHOST_USER_MAX_RAM_SLOTS). */
export const MAX_SLOTS = 509;

/** What a memory table is made of. */
export interface MemoryTableOptions {
  readonly calls: SystemCalls;
  readonly guard: SigbusGuard | null;
  readonly retired: RetiredMappings;
  /** Most bytes that are mapped at a time, those of retired mappings included. */
  readonly maxMemory: number;
}

/** A region that is mapped. */
interface TableRegion {
  readonly guestAddress: number;
  readonly userAddress: bigint;
  readonly size: number;
  readonly offset: number;
  /** The table's own; kept so that the region can be mapped afresh. */
  readonly fd: number;
  mapping: SharedMapping;
}

/** The guest's memory as one front end describes it. Front ends add and remove regions while queues run. */
export class MemoryTable {
  /** For the device: the same object throughout a connection. */
  readonly memory: GuestMemory = new GuestMemory();
  readonly #options: MemoryTableOptions;
  #regions: TableRegion[] = [];

  constructor(options: MemoryTableOptions) {
    this.#options = options;
  }

  /** Bytes that are mapped. */
  get size(): number {
    return this.#regions.reduce((sum, { size }) => sum + size, 0);
  }

  /** First guest address behind all regions. */
  get end(): number {
    return this.#regions.reduce((end, { guestAddress, size }) => Math.max(end, guestAddress + size), 0);
  }

  /** Pages that the front end took away although they are mapped. */
  get faults(): number {
    return this.#regions.reduce((sum, { mapping }) => sum + mapping.faults, 0);
  }

  /**
   * Adds a region; `fd` is the table's from now on, whatever happens.
   * @throws VhostUserError `EPROTO` if it cannot be.
   */
  add(description: RegionDescription, fd: number): void {
    const { calls, guard } = this.#options;
    try {
      const place = this.#check(description);
      const mapping = new SharedMapping(calls, guard, { ...place, fd });
      try {
        this.memory.addRegion({ ...place, windows: mapping.windows });
      } catch (error) {
        mapping.unmap();
        throw error;
      }
      this.#regions.push({ ...place, fd, mapping });
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  /** @throws VhostUserError `EPROTO` if there is no such region. */
  remove(description: RegionDescription): void {
    const region = this.#regions.find(
      ({ guestAddress, userAddress, size }) =>
        BigInt(guestAddress) === description.guestAddress &&
        userAddress === description.userAddress &&
        BigInt(size) === description.size,
    );
    if (region === undefined) throw protocolError("there is no such memory region to remove");
    if (this.#options.retired.isFull) throw protocolError("too many memory regions were removed while in use");
    this.#regions.splice(this.#regions.indexOf(region), 1);
    this.memory.removeRegion(region);
    this.#options.retired.add(region.mapping, region.fd);
  }

  /** Replaces all regions; those that stay as they are keep their mapping. `fds` are the table's from now on. */
  replace(descriptions: readonly RegionDescription[], fds: readonly number[]): void {
    const { calls } = this.#options;
    const left = [...fds];
    try {
      for (const region of this.#regions.filter((region) => !this.#stays(region, descriptions, fds))) {
        this.remove(describe(region));
      }
      for (const description of descriptions) {
        const fd = left.shift();
        if (fd === undefined) throw protocolError("a memory region came without a file descriptor");
        if (this.#regions.some((region) => isSame(region, description))) calls.close(fd);
        else this.add(description, fd);
      }
    } finally {
      for (const fd of left) calls.close(fd);
    }
  }

  /**
   * The guest address of `length` bytes at one of the front end's own addresses.
   * @throws VhostUserError `EPROTO` if they are not in one region.
   */
  toGuest(userAddress: bigint, length: number): number {
    for (const region of this.#regions) {
      const offset = userAddress - region.userAddress;
      if (offset >= 0n && offset + BigInt(length) <= BigInt(region.size)) return region.guestAddress + Number(offset);
    }
    throw protocolError(`0x${userAddress.toString(16)} and ${length} bytes on are in no memory region`);
  }

  /**
   * Cuts off the memory that `lingering` requests may still touch, and maps it afresh for what comes. No queue may run.
   */
  cutOff(lingering: readonly LingeringRequest[]): void {
    const { retired, calls, guard } = this.#options;
    for (const region of this.#regions) {
      const { mapping, fd } = region;
      const touching = lingering.filter(({ iov }) => iov.some((part) => mapping.holds(part)));
      if (touching.length === 0) continue;
      const kept = touching.filter(({ writesMemory }) => !writesMemory).flatMap(({ iov }) => iov);
      mapping.makePrivate(
        fd,
        kept.filter((part) => mapping.holds(part)),
      );
      this.memory.removeRegion(region);
      retired.add(mapping, null);
      region.mapping = new SharedMapping(calls, guard, region);
      this.memory.addRegion({ ...region, windows: region.mapping.windows });
    }
  }

  /** Forgets everything. */
  close(): void {
    for (const region of this.#regions.splice(0)) {
      this.memory.removeRegion(region);
      this.#options.retired.add(region.mapping, region.fd);
    }
  }

  #check(description: RegionDescription): Omit<TableRegion, "fd" | "mapping"> {
    const { userAddress } = description;
    const place = {
      guestAddress: toSafe(description.guestAddress, "guest address"),
      size: toSafe(description.size, "size"),
      offset: toSafe(description.mmapOffset, "offset"),
      userAddress,
    };
    const { maxMemory, retired } = this.#options;
    if (this.#regions.length >= MAX_SLOTS) throw protocolError(`more than ${MAX_SLOTS} memory regions`);
    const total = this.size + retired.size + place.size;
    if (total > maxMemory) throw protocolError(`${total} bytes of memory are more than ${maxMemory}`);
    const overlaps = this.#regions.some(
      (other) =>
        userAddress < other.userAddress + BigInt(other.size) && other.userAddress < userAddress + description.size,
    );
    if (overlaps) throw protocolError("memory regions overlap in the front end's addresses");
    return place;
  }

  /** A region may keep its mapping if it is described just as before, over the same file. */
  #stays(region: TableRegion, descriptions: readonly RegionDescription[], fds: readonly number[]): boolean {
    const fd = fds[descriptions.findIndex((description) => isSame(region, description))];
    return fd !== undefined && this.#options.calls.isSameFile(region.fd, fd);
  }
}

function describe(region: TableRegion): RegionDescription {
  return {
    guestAddress: BigInt(region.guestAddress),
    userAddress: region.userAddress,
    size: BigInt(region.size),
    mmapOffset: BigInt(region.offset),
  };
}

function isSame(region: TableRegion, description: RegionDescription): boolean {
  const own = describe(region);
  return (
    own.guestAddress === description.guestAddress &&
    own.userAddress === description.userAddress &&
    own.size === description.size &&
    own.mmapOffset === description.mmapOffset
  );
}

function toSafe(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw protocolError(`${what} 0x${value.toString(16)} is too large`);
  return Number(value);
}
