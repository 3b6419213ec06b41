import { type GuestMemory, MemoryPlace } from "../memory/guest-memory.ts";
import type { DescriptorChain } from "./descriptor-chain.ts";

/** VIRTQ_DESC_F_NEXT. */
export const DESC_NEXT = 1;
/** VIRTQ_DESC_F_WRITE. */
export const DESC_WRITE = 2;
/** VIRTQ_DESC_F_INDIRECT. */
export const DESC_INDIRECT = 4;
/** Bytes of a descriptor, in a ring as in an indirect table. */
const DESC_BYTES = 16;

/**
 * Most descriptors of a chain, those in its indirect table included. A driver that keeps to a seg_max of at most this less two
 * never comes near; the limit is the one of QEMU (VIRTQUEUE_MAX_SIZE) and of the kernel's iovecs.
 */
export const MAX_CHAIN_PARTS = 1024;

/** Most bytes of a chain (virtio 1.2, 2.7.4.1 and 2.8.11). */
const MAX_CHAIN_BYTES = 2 ** 32;

/** Most bytes of an indirect table: 2^16 entries, as many as `next` can name. */
const MAX_TABLE_BYTES = 2 ** 16 * DESC_BYTES;

/**
 * Takes descriptors of one queue, each field read once by whoever calls, checks them as virtio 1.2 asks and collects them in
 * a chain. It holds the fault of the queue, because nearly all of them show here.
 */
export class ChainReader {
  /** What was wrong first, in QEMU's words, or null. */
  fault: string | null = null;
  readonly #memory: GuestMemory;
  /** The open indirect table. */
  #table: DataView;
  #tableOffset = 0;
  /** Entries of the open indirect table. */
  tableEntries = 0;
  readonly #indirect: boolean;
  readonly #place: MemoryPlace = new MemoryPlace();

  constructor(memory: GuestMemory, indirect: boolean) {
    this.#memory = memory;
    this.#indirect = indirect;
    this.#table = this.#place.window.view;
  }

  /** Notes the first fault. Always false, so that it can be returned. */
  fail(fault: string): false {
    this.fault ??= fault;
    return false;
  }

  /** Empties a chain. */
  begin(chain: DescriptorChain): void {
    chain.parts = 0;
    chain.readableParts = 0;
    chain.readableLength = 0;
    chain.writableLength = 0;
  }

  /** Adds a buffer to the chain; words may come signed. False: it cannot be, and `fault` says why. */
  add(chain: DescriptorChain, low: number, high: number, lengthWord: number, flags: number): boolean {
    const length = lengthWord >>> 0;
    if (length === 0) return this.fail("virtio: zero sized buffers are not allowed");
    const address = (high >>> 0) * 2 ** 32 + (low >>> 0);
    if (high >>> 21 !== 0 || !this.#memory.contains(address, length)) {
      return this.fail(`virtio: bogus descriptor: ${rangeName(low, high, length)} is not memory`);
    }
    const { parts } = chain;
    if (parts === MAX_CHAIN_PARTS) return this.fail(`virtio: more than ${MAX_CHAIN_PARTS} descriptors in a chain`);
    if ((flags & DESC_WRITE) !== 0) {
      chain.writableLength += length;
    } else {
      if (parts !== chain.readableParts) return this.fail("Incorrect order for descriptors");
      chain.readableParts++;
      chain.readableLength += length;
    }
    if (chain.readableLength + chain.writableLength > MAX_CHAIN_BYTES) {
      return this.fail("virtio: more than 4 GiB in a chain");
    }
    chain.addresses[parts] = address;
    chain.lengths[parts] = length;
    chain.parts = parts + 1;
    return true;
  }

  /** Opens the indirect table that a descriptor refers to. False: it cannot be, and `fault` says why. */
  openTable(low: number, high: number, lengthWord: number, flags: number): boolean {
    const length = lengthWord >>> 0;
    if (!this.#indirect) return this.fail("virtio: indirect descriptor without VIRTIO_F_INDIRECT_DESC");
    if ((flags & DESC_NEXT) !== 0) return this.fail("virtio: indirect descriptor with a next one");
    if (length === 0 || length % DESC_BYTES !== 0 || length > MAX_TABLE_BYTES) {
      return this.fail(`Invalid size for indirect buffer table: ${length}`);
    }
    const address = (high >>> 0) * 2 ** 32 + (low >>> 0);
    if (high >>> 21 !== 0 || !this.#memory.contains(address, length)) {
      return this.fail(`Cannot map indirect buffer: ${rangeName(low, high, length)} is not memory`);
    }
    this.tableEntries = length / DESC_BYTES;
    if (this.#memory.locate(address, length, this.#place)) {
      this.#table = this.#place.window.view;
      this.#tableOffset = this.#place.offset;
      return true;
    }
    // It crosses windows: rare enough for a copy.
    const copy = new Uint8Array(length);
    this.#memory.read(address, copy);
    this.#table = new DataView(copy.buffer);
    this.#tableOffset = 0;
    return true;
  }

  /** Adds all of the open table as a split ring has it: entry 0 and what follows by `next`. */
  addTableByNext(chain: DescriptorChain): boolean {
    const table = this.#table;
    const entries = this.tableEntries;
    let left = entries;
    let index = 0;
    for (;;) {
      const at = this.#tableOffset + index * DESC_BYTES;
      const flagsNext = table.getInt32(at + 12, true);
      if ((flagsNext & DESC_INDIRECT) !== 0) return this.fail("virtio: indirect descriptor in an indirect table");
      const length = table.getInt32(at + 8, true);
      if (!this.add(chain, table.getInt32(at, true), table.getInt32(at + 4, true), length, flagsNext)) return false;
      if ((flagsNext & DESC_NEXT) === 0) return true;
      index = flagsNext >>> 16;
      if (index >= entries) return this.fail(`Desc next is ${index}`);
      if (--left === 0) return this.fail("Looped descriptor");
    }
  }

  /** Adds all of the open table as a packed ring has it: every entry in order, of whose flags only WRITE counts. */
  addTableInOrder(chain: DescriptorChain): boolean {
    const table = this.#table;
    const end = this.#tableOffset + this.tableEntries * DESC_BYTES;
    for (let at = this.#tableOffset; at < end; at += DESC_BYTES) {
      const flags = table.getUint16(at + 14, true);
      if ((flags & DESC_INDIRECT) !== 0) return this.fail("virtio: indirect descriptor in an indirect table");
      const length = table.getInt32(at + 8, true);
      if (!this.add(chain, table.getInt32(at, true), table.getInt32(at + 4, true), length, flags)) return false;
    }
    return true;
  }
}

function rangeName(low: number, high: number, length: number): string {
  const digits = (low >>> 0).toString(16);
  const address = high === 0 ? digits : (high >>> 0).toString(16) + digits.padStart(8, "0");
  return `0x${address}+0x${length.toString(16)}`;
}
