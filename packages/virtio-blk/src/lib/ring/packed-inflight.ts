import { VirtioError } from "../virtio-error.ts";
import { DESC_NUM_AT, INFLIGHT_VERSION, InflightBytes, PACKED_LAYOUT, VERSION_AT } from "./inflight-bytes.ts";

/** Offsets in QueueRegionPacked. */
const FREE_HEAD = 12;
const OLD_FREE_HEAD = 14;
const USED_INDEX = 16;
const OLD_USED_INDEX = 18;
const USED_WRAP = 20;
const OLD_USED_WRAP = 21;
/** Offsets in DescStatePacked. */
const INFLIGHT = 0;
const NEXT = 2;
const LAST = 4;
const NUM = 6;
const COUNTER = 8;
const ID = 16;
const FLAGS = 18;
const LENGTH = 20;
const ADDRESS = 24;

/** A chain that is in flight. */
export interface UnfinishedChain {
  /** Its first entry in the region. */
  readonly entry: number;
  /** Ring entries that it took. */
  readonly ringEntries: number;
}

/**
 * Notes in an inflight region what was popped from a packed ring and not given back (vhost-user, "Inflight I/O tracking"), a
 * copy of its descriptors included, because the ring's own are overwritten by what completes before.
 *
 * What is given back is committed one chain at a time. The specification would allow a batch, but who dies in the midst of
 * one leaves used entries in the ring behind the point to which the next process rolls back, and the driver finds those as
 * soon as it gets there.
 */
export class PackedInflight {
  readonly #bytes: InflightBytes;
  readonly #size: number;
  #entries: number;
  #counter = 0;
  /** First free entry: the head of the next chain. `#entries` or more: there is none. */
  #head = 0;
  /** Where the next descriptor of the chain that is being noted goes. */
  #cursor = 0;
  #last = 0;
  #count = 0;

  /** @throws VirtioError `inflight`. */
  constructor(bytes: Uint8Array, size: number) {
    this.#bytes = new InflightBytes(bytes, PACKED_LAYOUT, size);
    this.#size = size;
    this.#entries = this.#bytes.entries(PACKED_LAYOUT, size);
  }

  /** True if a queue ran on this region before. */
  get known(): boolean {
    return this.#entries > 0;
  }

  /** Entries that chains can be kept under. */
  get entries(): number {
    return this.#entries;
  }

  /** Where the device writes next; right after {@link recover}. */
  get used(): number {
    return this.#bytes.get16(USED_INDEX);
  }

  /** The wrap counter that goes with it. */
  get usedWrap(): 0 | 1 {
    return this.#bytes.get8(USED_WRAP) === 0 ? 0 : 1;
  }

  /** Makes a new region ready for a device that writes at `used` next. */
  create(used: number, usedWrap: 0 | 1): void {
    const bytes = this.#bytes;
    // What ends the list of free entries is an index that none has.
    for (let entry = 0; entry < this.#size; entry++) {
      bytes.set8(state(entry) + INFLIGHT, 0);
      bytes.set16(state(entry) + NEXT, entry + 1);
    }
    bytes.set16(FREE_HEAD, 0);
    bytes.set16(OLD_FREE_HEAD, 0);
    this.#setUsed(used, usedWrap);
    bytes.set16(DESC_NUM_AT, this.#size);
    bytes.set16(VERSION_AT, INFLIGHT_VERSION);
    this.#entries = this.#size;
  }

  /**
   * Settles what a process that died left.
   *
   * @param flagsAt - The flags of an entry of the ring.
   * @returns What is in flight, in the order in which it was popped.
   * @throws VirtioError `inflight` if the region cannot be one of this ring.
   */
  recover(flagsAt: (index: number) => number): UnfinishedChain[] {
    const bytes = this.#bytes;
    const oldUsed = bytes.get16(OLD_USED_INDEX);
    const oldWrap = bytes.get8(OLD_USED_WRAP) === 0 ? 0 : 1;
    const { used, usedWrap } = this;
    if (oldUsed >= this.#size || used >= this.#size) {
      throw new VirtioError("inflight", `inflight region names ring entry ${Math.max(used, oldUsed)}`);
    }
    // The specification compares the indexes only, which a chain that fills the ring does not move.
    const began = used !== oldUsed || usedWrap !== oldWrap;
    if (began && !isAvailable(flagsAt(oldUsed), oldWrap)) {
      bytes.set16(OLD_FREE_HEAD, bytes.get16(FREE_HEAD));
      this.#setUsed(used, usedWrap);
    } else {
      bytes.set16(FREE_HEAD, bytes.get16(OLD_FREE_HEAD));
      this.#setUsed(oldUsed, oldWrap);
    }
    this.#head = bytes.get16(FREE_HEAD);
    return this.#unfinished(this.#sweepFree());
  }

  /** Begins a chain. */
  begin(): void {
    this.#cursor = this.#head;
    this.#count = 0;
  }

  /** Notes the next descriptor of the chain. False: the region has no room, which only a damaged one can be. */
  note(low: number, high: number, length: number, id: number, flags: number): boolean {
    const entry = this.#cursor;
    if (entry >= this.#entries) return false;
    const bytes = this.#bytes;
    const at = state(entry);
    bytes.set32(at + ADDRESS, low);
    bytes.set32(at + ADDRESS + 4, high);
    bytes.set32(at + LENGTH, length);
    bytes.set16(at + ID, id);
    bytes.set16(at + FLAGS, flags);
    this.#last = entry;
    this.#cursor = bytes.get16(at + NEXT);
    this.#count++;
    return true;
  }

  /** The chain is about to be handed out. Returns its first entry. */
  popped(): number {
    const bytes = this.#bytes;
    const entry = this.#head;
    const at = state(entry);
    const counter = this.#counter++;
    bytes.set16(at + LAST, this.#last);
    bytes.set16(at + NUM, this.#count);
    bytes.set32(at + COUNTER, counter >>> 0);
    bytes.set32(at + COUNTER + 4, Math.floor(counter / 2 ** 32));
    bytes.set8(at + INFLIGHT, 1);
    this.#head = this.#cursor;
    bytes.set16(FREE_HEAD, this.#head);
    // Until here a new process rolls back to the old head, and finds the chain in the ring.
    bytes.set16(OLD_FREE_HEAD, this.#head);
    return entry;
  }

  /** The chain's used entry is about to be made visible; afterwards the device writes at `used` next. */
  publishing(entry: number, used: number, usedWrap: 0 | 1): void {
    const bytes = this.#bytes;
    bytes.set16(state(bytes.get16(state(entry) + LAST) % this.#entries) + NEXT, this.#head);
    this.#head = entry;
    bytes.set16(FREE_HEAD, entry);
    bytes.set16(USED_INDEX, used);
    if (usedWrap !== this.usedWrap) bytes.set8(USED_WRAP, usedWrap);
  }

  /** It is visible. */
  published(entry: number, used: number, usedWrap: 0 | 1): void {
    const bytes = this.#bytes;
    bytes.set8(state(entry) + INFLIGHT, 0);
    bytes.set16(OLD_FREE_HEAD, entry);
    // Index and wrap counter have to change together.
    if (usedWrap === bytes.get8(OLD_USED_WRAP)) bytes.set16(OLD_USED_INDEX, used);
    else this.#setUsed(used, usedWrap);
  }

  /** What follows an entry in a chain. */
  next(entry: number): number {
    return this.#bytes.get16(state(entry) + NEXT);
  }

  low(entry: number): number {
    return this.#bytes.get32(state(entry) + ADDRESS);
  }

  high(entry: number): number {
    return this.#bytes.get32(state(entry) + ADDRESS + 4);
  }

  length(entry: number): number {
    return this.#bytes.get32(state(entry) + LENGTH);
  }

  /** As the ring has it: the id in the low half, flags in the high one. */
  idFlags(entry: number): number {
    return this.#bytes.get32(state(entry) + ID);
  }

  #setUsed(used: number, wrap: 0 | 1): void {
    this.#bytes.set64(USED_INDEX, used | (used << 16), wrap | (wrap << 8));
  }

  /** Takes the marks off all that is free. Returns which entries are. */
  #sweepFree(): Uint8Array {
    const taken = new Uint8Array(this.#entries);
    let entry = this.#head;
    while (entry < this.#entries) {
      if (taken[entry] === 1) throw new VirtioError("inflight", "inflight region has a loop in its free list");
      taken[entry] = 1;
      this.#bytes.set8(state(entry) + INFLIGHT, 0);
      entry = this.next(entry);
    }
    return taken;
  }

  #unfinished(taken: Uint8Array): UnfinishedChain[] {
    const bytes = this.#bytes;
    const found: (UnfinishedChain & { counter: number })[] = [];
    let total = 0;
    for (let entry = 0; entry < this.#entries; entry++) {
      const at = state(entry);
      if (bytes.get8(at + INFLIGHT) === 0) continue;
      const ringEntries = bytes.get16(at + NUM);
      total += ringEntries;
      if (
        ringEntries === 0 ||
        total > this.#size ||
        this.#lastOf(entry, ringEntries, taken) !== bytes.get16(at + LAST)
      ) {
        throw new VirtioError("inflight", `inflight region has a damaged chain at ${entry}`);
      }
      const counter = bytes.get32(at + COUNTER) + bytes.get32(at + COUNTER + 4) * 2 ** 32;
      found.push({ entry, ringEntries, counter });
      this.#counter = Math.max(this.#counter, Math.min(counter + 1, 2 ** 52));
    }
    return found.toSorted((a, b) => a.counter - b.counter);
  }

  /** The last entry of a chain, or −1 if it takes one that is taken or none. */
  #lastOf(head: number, count: number, taken: Uint8Array): number {
    let entry = head;
    for (let left = count; ; left--) {
      if (entry >= this.#entries || taken[entry] === 1) return -1;
      taken[entry] = 1;
      if (left === 1) return entry;
      entry = this.next(entry);
    }
  }
}

/** True if the flags of a ring entry say that it is available in the round of `wrap`. */
export function isAvailable(flags: number, wrap: 0 | 1): boolean {
  return ((flags >>> 7) & 1) === wrap && ((flags >>> 15) & 1) !== wrap;
}

function state(entry: number): number {
  return PACKED_LAYOUT.header + PACKED_LAYOUT.state * entry;
}
