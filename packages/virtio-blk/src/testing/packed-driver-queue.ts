import type { GuestMemory } from "../lib/memory/guest-memory.ts";
import {
  EVENT_DESCRIPTOR,
  EVENT_DISABLE,
  EVENT_ENABLE,
  PackedAreas,
  packedEventWanted,
} from "../lib/ring/packed-areas.ts";
import type { QueueSettings, VirtqueueFeatures } from "../lib/ring/virtqueue.ts";
import {
  type DriverBuffer,
  type DriverQueue,
  type DriverQueueOptions,
  layoutDriverQueue,
  type UsedBuffer,
  writeTable,
} from "./driver-queue.ts";

/** Flags of an entry that is available, by wrap counter. */
const AVAILABLE = [1 << 15, 1 << 7] as const;

/** The driver's side of a packed ring. */
export class PackedDriverQueue implements DriverQueue {
  readonly size: number;
  readonly settings: QueueSettings;
  readonly features: VirtqueueFeatures;
  readonly #memory: GuestMemory;
  readonly #areas: PackedAreas;
  readonly #tables: number;
  readonly #tableEntries: number;
  readonly #eventIdx: boolean;
  readonly #freeIds: number[] = [];
  /** Ring entries of each buffer id that the device has. */
  readonly #outstanding: Map<number, number> = new Map();
  #free: number;
  #next = 0;
  #wrap: 0 | 1 = 1;
  /** The entry that makes all that was added visible, and what has to be stored there. */
  #gate: { readonly index: number; readonly word: number } | null = null;
  #added = 0;
  #published = 0;
  #publishedAt = 0;
  #publishedWrap: 0 | 1 = 1;
  #collected = 0;
  #collectedWrap: 0 | 1 = 1;

  constructor(memory: GuestMemory, options: DriverQueueOptions) {
    const { size, eventIdx = false, tableEntries = 0 } = options;
    const layout = layoutDriverQueue({ ...options, packed: true });
    this.size = size;
    this.settings = layout.settings;
    this.features = { packed: true, eventIdx, indirect: tableEntries > 0 };
    this.#memory = memory;
    this.#areas = new PackedAreas(memory, layout.settings);
    this.#tables = layout.tables;
    this.#tableEntries = tableEntries;
    this.#eventIdx = eventIdx;
    this.#free = size;
    for (let id = size - 1; id >= 0; id--) this.#freeIds.push(id);
  }

  get free(): number {
    return this.#free;
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  add(buffers: readonly DriverBuffer[], direct: number = buffers.length): number {
    if (buffers.length === 0) throw new RangeError("a chain has at least one buffer");
    if (direct !== 0 && direct !== buffers.length) throw new RangeError("a packed chain is all direct or all indirect");
    const needed = direct === 0 ? 1 : direct;
    if (needed > this.#free) return -1;
    const id = this.#freeIds.pop() ?? 0;
    if (direct === 0) {
      if (buffers.length > this.#tableEntries) throw new RangeError("an indirect table has too few entries for this");
      const address = this.#tables + id * this.#tableEntries * 16;
      writeTable(this.#memory, address, buffers, false);
      this.#write({ address, length: 16 * buffers.length }, id, 4);
    } else {
      for (const [i, buffer] of buffers.entries()) {
        this.#write(buffer, id, (buffer.writable ? 2 : 0) | (i < needed - 1 ? 1 : 0));
      }
    }
    this.#free -= needed;
    this.#added += needed;
    this.#outstanding.set(id, needed);
    return id;
  }

  publish(): void {
    if (this.#gate !== null) Atomics.store(this.#areas.descriptors, 4 * this.#gate.index + 3, this.#gate.word);
    this.#gate = null;
    this.#published += this.#added;
    this.#added = 0;
    this.#publishedAt = this.#next;
    this.#publishedWrap = this.#wrap;
  }

  needsKick(): boolean {
    const advanced = this.#published;
    this.#published = 0;
    if (advanced === 0) return false;
    const word = Atomics.load(this.#areas.deviceEvent, 0);
    return packedEventWanted(word, this.#publishedAt, this.#publishedWrap, advanced, this.size, this.#eventIdx);
  }

  collect(): UsedBuffer | null {
    const { descriptors } = this.#areas;
    const idFlags = Atomics.load(descriptors, 4 * this.#collected + 3);
    if (!this.#isUsed(idFlags)) return null;
    const token = idFlags & 0xffff;
    const written = descriptors[4 * this.#collected + 2] ?? 0;
    const entries = this.#outstanding.get(token);
    if (entries === undefined) throw new Error(`the device gave back ${token}, which it does not have`);
    this.#outstanding.delete(token);
    this.#freeIds.push(token);
    this.#free += entries;
    this.#collected += entries;
    if (this.#collected >= this.size) {
      this.#collected -= this.size;
      this.#collectedWrap = this.#collectedWrap === 1 ? 0 : 1;
    }
    return { token, written };
  }

  disableInterrupts(): void {
    Atomics.store(this.#areas.driverEvent, 0, EVENT_DISABLE << 16);
  }

  enableInterrupts(later: number = 0): boolean {
    let word = EVENT_ENABLE << 16;
    if (this.#eventIdx) {
      const over = this.#collected + later >= this.size;
      const wrap = over ? 1 - this.#collectedWrap : this.#collectedWrap;
      word = (this.#collected + later - (over ? this.size : 0)) | (wrap << 15) | (EVENT_DESCRIPTOR << 16);
    }
    Atomics.store(this.#areas.driverEvent, 0, word);
    return this.#isUsed(Atomics.load(this.#areas.descriptors, 4 * this.#collected + 3));
  }

  #isUsed(idFlags: number): boolean {
    const flags = idFlags >>> 16;
    return ((flags >>> 7) & 1) === this.#collectedWrap && ((flags >>> 15) & 1) === this.#collectedWrap;
  }

  #write(buffer: { readonly address: number; readonly length: number }, id: number, flags: number): void {
    const { descriptors } = this.#areas;
    const index = this.#next;
    descriptors[4 * index] = buffer.address % 2 ** 32;
    descriptors[4 * index + 1] = Math.floor(buffer.address / 2 ** 32);
    descriptors[4 * index + 2] = buffer.length;
    const word = id + (flags | AVAILABLE[this.#wrap]) * 65536;
    // The first entry that was not published yet gates all behind it.
    if (this.#gate === null) this.#gate = { index, word };
    else descriptors[4 * index + 3] = word;
    this.#next++;
    if (this.#next === this.size) {
      this.#next = 0;
      this.#wrap = this.#wrap === 1 ? 0 : 1;
    }
  }
}
