import type { GuestMemory } from "../memory/guest-memory.ts";
import { VirtioError } from "../virtio-error.ts";
import { ChainReader, DESC_INDIRECT, DESC_NEXT, DESC_WRITE } from "./chain-reader.ts";
import type { DescriptorChain } from "./descriptor-chain.ts";
import { EVENT_DESCRIPTOR, EVENT_DISABLE, EVENT_ENABLE, PackedAreas, packedEventWanted } from "./packed-areas.ts";
import { isAvailable, PackedInflight, type UnfinishedChain } from "./packed-inflight.ts";
import type { QueuePosition, QueueSettings, Virtqueue, VirtqueueFeatures } from "./virtqueue.ts";

/** AVAIL and USED, both as the wrap counter 1 has them. */
const USED_FLAGS = 0x8080;

/** What the device knows of an entry that chains are kept under. */
const FREE = 0;
const POPPED = 1;
const PUSHED = 2;

/** The device's side of a packed virtqueue (virtio 1.2, 2.8). */
export class PackedVirtqueue implements Virtqueue {
  readonly size: number;
  readonly #memory: GuestMemory;
  readonly #settings: QueueSettings;
  readonly #eventIdx: boolean;
  readonly #reader: ChainReader;
  readonly #inflight: PackedInflight | null;
  #areas: PackedAreas;
  #generation: number;
  /** Next entry to look at. */
  #available: number;
  #availableWrap: 0 | 1;
  /** Next entry to write. */
  #used: number;
  #usedWrap: 0 | 1;
  #popped = 0;
  /** Ring entries of all that was popped and is not published. */
  #entriesTaken = 0;
  /** By entry of the inflight region, or by our own count if there is none. */
  readonly #states: Uint8Array;
  /** Entries that no chain is kept under, if there is no inflight region. */
  readonly #freeEntries: Uint16Array;
  #freeCount: number;
  /** Used entries to be written by the next publish: id, length, ring entries and entry, each. */
  readonly #pushed: Uint32Array;
  #pushedCount = 0;
  /** What the inflight region named; from `#recoveredNext` on it is still to be popped. */
  readonly #recovered: readonly UnfinishedChain[];
  #recoveredNext = 0;
  #silent = true;
  #kicksWanted = true;
  /** Of the chain that was walked last. */
  #walkedEntries = 0;
  #walkedId = 0;

  /** @throws VirtioError if it cannot be used as described. */
  constructor(memory: GuestMemory, settings: QueueSettings, features: VirtqueueFeatures) {
    const { size } = settings;
    this.size = size;
    this.#memory = memory;
    this.#settings = settings;
    this.#eventIdx = features.eventIdx === true;
    this.#reader = new ChainReader(memory, features.indirect === true);
    this.#areas = new PackedAreas(memory, settings);
    this.#generation = memory.generation;
    this.#pushed = new Uint32Array(4 * size);
    this.#inflight = settings.inflight === undefined ? null : new PackedInflight(settings.inflight, size);
    const { descriptors } = this.#areas;
    const recovered = this.#inflight?.known === true;
    this.#recovered = recovered
      ? (this.#inflight?.recover((index) => (descriptors[4 * index + 3] ?? 0) >>> 16) ?? [])
      : [];
    const start = recovered ? this.#recoveredPosition() : startPosition(settings);
    this.#available = start.available;
    this.#availableWrap = start.availableWrap;
    this.#used = start.used;
    this.#usedWrap = start.usedWrap;
    if (!recovered) this.#inflight?.create(start.used, start.usedWrap);
    for (const chain of this.#recovered) this.#entriesTaken += chain.ringEntries;
    this.#states = new Uint8Array(this.#inflight?.entries ?? size);
    this.#freeEntries = Uint16Array.from({ length: size }, (_, i) => i);
    this.#freeCount = size;
    this.#writeKicksWanted();
  }

  get fault(): string | null {
    return this.#reader.fault;
  }

  get inFlight(): number {
    return this.#popped;
  }

  get position(): QueuePosition {
    return {
      available: this.#available,
      availableWrap: this.#availableWrap,
      used: this.#used,
      usedWrap: this.#usedWrap,
    };
  }

  pop(chain: DescriptorChain): boolean {
    if (!this.#ready()) return false;
    this.#reader.begin(chain);
    let entry: number;
    const recovered = this.#recovered[this.#recoveredNext];
    if (recovered !== undefined) {
      if (!this.#walkRecovered(recovered, chain)) return false;
      this.#recoveredNext++;
      entry = recovered.entry;
    } else {
      const first = Atomics.load(this.#areas.descriptors, 4 * this.#available + 3);
      if (!isAvailable(first >>> 16, this.#availableWrap) || !this.#walk(first, chain)) return false;
      entry = this.#inflight === null ? (this.#freeEntries[--this.#freeCount] ?? 0) : this.#inflight.popped();
      this.#entriesTaken += this.#walkedEntries;
      this.#available += this.#walkedEntries;
      if (this.#available >= this.size) {
        this.#available -= this.size;
        this.#availableWrap = this.#availableWrap === 1 ? 0 : 1;
      }
    }
    this.#states[entry] = POPPED;
    this.#popped++;
    chain.id = this.#walkedId;
    chain.ringEntries = this.#walkedEntries;
    chain.inflightEntry = entry;
    return true;
  }

  push(chain: DescriptorChain, written: number): void {
    const entry = chain.inflightEntry;
    if (this.#states[entry] !== POPPED) throw new VirtioError("invalid", `buffer ${chain.id} was not popped`);
    this.#states[entry] = PUSHED;
    this.#popped--;
    const at = 4 * this.#pushedCount++;
    this.#pushed[at] = chain.id;
    this.#pushed[at + 1] = Math.min(written, chain.writableLength, 0xffff_ffff);
    this.#pushed[at + 2] = chain.ringEntries;
    this.#pushed[at + 3] = entry;
  }

  publish(): boolean {
    const count = this.#pushedCount;
    if (count === 0 || !this.#ready()) return false;
    let advanced = 0;
    for (let i = 0; i < count; i++) advanced += this.#publishOne(4 * i);
    this.#pushedCount = 0;
    this.#entriesTaken -= advanced;
    const { driverEvent } = this.#areas;
    const word = Atomics.load(driverEvent, 0);
    const first = this.#silent;
    this.#silent = false;
    if (first && this.#eventIdx) return word >>> 16 !== EVENT_DISABLE;
    return packedEventWanted(word, this.#used, this.#usedWrap, advanced, this.size, this.#eventIdx);
  }

  disableKicks(): void {
    // With EVENT_IDX there is nothing to do: the device is past the descriptor that it asked for.
    if (this.#eventIdx || !this.#kicksWanted || !this.#ready()) return;
    this.#kicksWanted = false;
    this.#writeKicksWanted();
  }

  enableKicks(): boolean {
    if (!this.#ready()) return false;
    if (this.#eventIdx || !this.#kicksWanted) {
      this.#kicksWanted = true;
      this.#writeKicksWanted();
    }
    if (this.#recoveredNext < this.#recovered.length) return true;
    return isAvailable(Atomics.load(this.#areas.descriptors, 4 * this.#available + 3) >>> 16, this.#availableWrap);
  }

  putBack(): boolean {
    return false;
  }

  /** False after a fault. Makes the views anew if regions of memory came or went. */
  #ready(): boolean {
    if (this.#reader.fault !== null) return false;
    const { generation } = this.#memory;
    if (generation === this.#generation) return true;
    try {
      this.#areas = new PackedAreas(this.#memory, this.#settings);
    } catch (error) {
      return this.#reader.fail(error instanceof Error ? error.message : String(error));
    }
    this.#generation = generation;
    return true;
  }

  /** Where the region says that the device stands: what is in flight was taken from the ring, so it is past that. */
  #recoveredPosition(): QueuePosition {
    const used = this.#inflight?.used ?? 0;
    const usedWrap = this.#inflight?.usedWrap ?? 1;
    const available = this.#recovered.reduce((at, chain) => at + chain.ringEntries, used);
    if (available < this.size) return { available, availableWrap: usedWrap, used, usedWrap };
    return { available: available - this.size, availableWrap: usedWrap === 1 ? 0 : 1, used, usedWrap };
  }

  /** Reads the chain at `#available`, whose first id and flags were read. False: it is faulty. */
  #walk(first: number, chain: DescriptorChain): boolean {
    const reader = this.#reader;
    const { descriptors } = this.#areas;
    const room = this.size - this.#entriesTaken;
    let index = this.#available;
    let idFlags = first;
    this.#inflight?.begin();
    for (let count = 1; ; count++) {
      if (count > room) return reader.fail(room === 0 ? "Virtqueue size exceeded" : "Looped descriptor");
      const low = descriptors[4 * index] ?? 0;
      const high = descriptors[4 * index + 1] ?? 0;
      const length = descriptors[4 * index + 2] ?? 0;
      if (this.#inflight?.note(low, high, length, idFlags & 0xffff, idFlags >>> 16) === false) {
        return reader.fail("virtio: inflight region is damaged");
      }
      if (!this.#add(low, high, length, idFlags >>> 16, chain)) return false;
      if (((idFlags >>> 16) & DESC_NEXT) === 0) {
        this.#walkedEntries = count;
        this.#walkedId = idFlags & 0xffff;
        return true;
      }
      index = index + 1 === this.size ? 0 : index + 1;
      idFlags = descriptors[4 * index + 3] ?? 0;
    }
  }

  /** The same from what the inflight region has of it. */
  #walkRecovered(recovered: UnfinishedChain, chain: DescriptorChain): boolean {
    const { entry, ringEntries } = recovered;
    const inflight = this.#inflight;
    if (inflight === null) return false;
    let at = entry;
    for (let count = 1; ; count++) {
      const idFlags = inflight.idFlags(at);
      if (!this.#add(inflight.low(at), inflight.high(at), inflight.length(at), idFlags >>> 16, chain)) return false;
      if (count === ringEntries) {
        this.#walkedEntries = count;
        this.#walkedId = idFlags & 0xffff;
        return true;
      }
      at = inflight.next(at);
    }
  }

  #add(low: number, high: number, length: number, flags: number, chain: DescriptorChain): boolean {
    const reader = this.#reader;
    if ((flags & DESC_INDIRECT) === 0) return reader.add(chain, low, high, length, flags);
    if (chain.parts > 0) return reader.fail("virtio: direct and indirect descriptors in one packed chain");
    return reader.openTable(low, high, length, flags) && reader.addTableInOrder(chain);
  }

  /** Writes one used entry and steps over what it stands for. Returns how many entries that is. */
  #publishOne(at: number): number {
    const id = this.#pushed[at] ?? 0;
    const written = this.#pushed[at + 1] ?? 0;
    const entries = this.#pushed[at + 2] ?? 0;
    const entry = this.#pushed[at + 3] ?? 0;
    const index = this.#used;
    const flags = (this.#usedWrap === 1 ? USED_FLAGS : 0) | (written > 0 ? DESC_WRITE : 0);
    this.#used += entries;
    if (this.#used >= this.size) {
      this.#used -= this.size;
      this.#usedWrap = this.#usedWrap === 1 ? 0 : 1;
    }
    const { descriptors } = this.#areas;
    this.#inflight?.publishing(entry, this.#used, this.#usedWrap);
    descriptors[4 * index + 2] = written;
    // A release: whoever sees the flags sees length, status and data too.
    Atomics.store(descriptors, 4 * index + 3, id + flags * 65536);
    this.#memory.wrote(this.#settings.descriptorArea + 16 * index, 16);
    this.#inflight?.published(entry, this.#used, this.#usedWrap);
    if (this.#inflight === null) this.#freeEntries[this.#freeCount++] = entry;
    this.#states[entry] = FREE;
    return entries;
  }

  #writeKicksWanted(): void {
    const { deviceEvent } = this.#areas;
    let word = (this.#kicksWanted ? EVENT_ENABLE : EVENT_DISABLE) << 16;
    if (this.#eventIdx) word = this.#available | (this.#availableWrap << 15) | (EVENT_DESCRIPTOR << 16);
    Atomics.store(deviceEvent, 0, word);
    this.#memory.wrote(this.#settings.deviceArea, 4);
  }
}

/** @throws VirtioError `queue-position`. */
function startPosition(settings: QueueSettings): QueuePosition {
  const position = settings.position ?? { available: 0, availableWrap: 1, used: 0, usedWrap: 1 };
  for (const index of [position.available, position.used]) {
    if (!Number.isInteger(index) || index < 0 || index >= settings.size) {
      throw new VirtioError("queue-position", `a packed queue of ${settings.size} entries has no entry ${index}`);
    }
  }
  return position;
}
