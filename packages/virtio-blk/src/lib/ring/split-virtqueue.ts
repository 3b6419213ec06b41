import type { GuestMemory } from "../memory/guest-memory.ts";
import { VirtioError } from "../virtio-error.ts";
import { ChainReader, DESC_INDIRECT, DESC_NEXT } from "./chain-reader.ts";
import type { DescriptorChain } from "./descriptor-chain.ts";
import { needEvent } from "./need-event.ts";
import { AVAILABLE_ENTRIES, RING_FLAGS, RING_INDEX, SplitAreas, USED_ENTRIES } from "./split-areas.ts";
import { SplitInflight } from "./split-inflight.ts";
import type { QueuePosition, QueueSettings, Virtqueue, VirtqueueFeatures } from "./virtqueue.ts";

/** VIRTQ_AVAIL_F_NO_INTERRUPT and VIRTQ_USED_F_NO_NOTIFY. */
const QUIET = 1;

/** What the device knows of a head: it has it not, has it popped, pushed it, or found it in the inflight region. */
const FREE = 0;
const POPPED = 1;
const PUSHED = 2;
const RECOVERED = 3;

/** The device's side of a split virtqueue (virtio 1.2, 2.7). Indexes run free modulo 65536. */
export class SplitVirtqueue implements Virtqueue {
  readonly size: number;
  readonly #memory: GuestMemory;
  readonly #settings: QueueSettings;
  readonly #eventIdx: boolean;
  readonly #reader: ChainReader;
  readonly #inflight: SplitInflight | null;
  readonly #usedLog: number;
  #areas: SplitAreas;
  #generation: number;
  /** Next index of the available ring to look at. */
  #available: number;
  /** The driver's index when it was last read; nothing is read again before it is reached. */
  #seen: number;
  /** What the used index says. */
  #used: number;
  /** By head. */
  readonly #heads: Uint8Array;
  #popped = 0;
  /** Heads that are in the used ring and behind its index. */
  readonly #pushed: Uint16Array;
  #pushedCount = 0;
  /** Heads from the inflight region; those from `#recoveredNext` on are still to be popped. */
  readonly #recovered: readonly number[];
  #recoveredNext = 0;
  /** The driver was not interrupted since the start, so it may wait with a stale used_event. */
  #silent = true;
  #kicksWanted = true;

  /** @throws VirtioError if it cannot be used as described. */
  constructor(memory: GuestMemory, settings: QueueSettings, features: VirtqueueFeatures) {
    this.size = settings.size;
    this.#memory = memory;
    this.#settings = settings;
    this.#eventIdx = features.eventIdx === true;
    this.#reader = new ChainReader(memory, features.indirect === true);
    this.#usedLog = settings.usedLogAddress ?? settings.deviceArea;
    this.#areas = new SplitAreas(memory, settings, this.#eventIdx);
    this.#generation = memory.generation;
    this.#heads = new Uint8Array(settings.size);
    this.#pushed = new Uint16Array(settings.size);
    this.#inflight = settings.inflight === undefined ? null : new SplitInflight(settings.inflight, settings.size);
    const known = this.#inflight?.known === true;
    this.#used = known || settings.position !== undefined ? Atomics.load(this.#areas.used, RING_INDEX) : 0;
    this.#recovered = this.#inflight?.recover(this.#used) ?? [];
    for (const head of this.#recovered) this.#heads[head] = RECOVERED;
    const start = known ? this.#used + this.#recovered.length : (settings.position?.available ?? 0);
    this.#available = start & 0xffff;
    this.#seen = this.#available;
    this.#writeKicksWanted();
  }

  get fault(): string | null {
    return this.#reader.fault;
  }

  get inFlight(): number {
    return this.#popped;
  }

  get position(): QueuePosition {
    return { available: this.#available, availableWrap: 1, used: this.#used, usedWrap: 1 };
  }

  pop(chain: DescriptorChain): boolean {
    if (!this.#ready()) return false;
    const recovered = this.#recoveredNext < this.#recovered.length;
    const head = recovered ? (this.#recovered[this.#recoveredNext] ?? 0) : this.#nextHead();
    if (head === -1) return false;
    this.#reader.begin(chain);
    if (!this.#walk(head, chain)) return false;
    if (recovered) {
      this.#recoveredNext++;
    } else {
      this.#inflight?.popped(head);
      this.#available = (this.#available + 1) & 0xffff;
    }
    this.#heads[head] = POPPED;
    this.#popped++;
    chain.id = head;
    chain.ringEntries = 1;
    chain.inflightEntry = head;
    return true;
  }

  push(chain: DescriptorChain, written: number): void {
    const head = chain.id;
    if (this.#heads[head] !== POPPED) throw new VirtioError("invalid", `descriptor ${head} was not popped`);
    this.#heads[head] = PUSHED;
    this.#popped--;
    if (!this.#ready()) return;
    const slot = (this.#used + this.#pushedCount) & (this.size - 1);
    const words = this.#areas.usedWords;
    words[USED_ENTRIES + 2 * slot] = head;
    words[USED_ENTRIES + 2 * slot + 1] = Math.min(written, chain.writableLength, 0xffff_ffff);
    this.#memory.wrote(this.#usedLog + 4 + 8 * slot, 8);
    this.#inflight?.pushed(head);
    this.#pushed[this.#pushedCount++] = head;
  }

  publish(): boolean {
    const count = this.#pushedCount;
    if (count === 0 || !this.#ready()) return false;
    const before = this.#used;
    const after = (before + count) & 0xffff;
    // A release: whoever sees the index sees entries, status and data too. And a full barrier before the driver's wish is read.
    Atomics.store(this.#areas.used, RING_INDEX, after);
    this.#used = after;
    this.#memory.wrote(this.#usedLog + 2, 2);
    this.#inflight?.published(this.#pushed, count, after);
    for (let i = 0; i < count; i++) this.#heads[this.#pushed[i] ?? 0] = FREE;
    this.#pushedCount = 0;
    return this.#wantsInterrupt(before, after);
  }

  disableKicks(): void {
    // With EVENT_IDX there is nothing to do: avail_event stays behind, and no kick comes before the index went all the way round.
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
    if (this.#recoveredNext < this.#recovered.length || this.#seen !== this.#available) return true;
    return Atomics.load(this.#areas.available, RING_INDEX) !== this.#available;
  }

  putBack(chains: readonly DescriptorChain[]): boolean {
    if (!this.#ready()) return false;
    const heads = chains.map((chain) => chain.id);
    const wrong = heads.find((head) => this.#heads[head] !== POPPED);
    if (wrong !== undefined) throw new VirtioError("invalid", `descriptor ${wrong} was not popped`);
    heads.push(...this.#recovered.slice(this.#recoveredNext));
    const start = (this.#available - heads.length) & 0xffff;
    for (const [i, head] of heads.entries()) {
      const slot = (start + i) & (this.size - 1);
      Atomics.store(this.#areas.available, AVAILABLE_ENTRIES + slot, head);
      this.#memory.wrote(this.#settings.driverArea + 4 + 2 * slot, 2);
    }
    // The newest first: at any time the last slots are those of the heads that have no mark any more.
    for (const head of heads.toReversed()) {
      this.#inflight?.putBack(head);
      this.#heads[head] = FREE;
    }
    this.#recoveredNext = this.#recovered.length;
    this.#popped -= chains.length;
    this.#available = start;
    this.#seen = start;
    return true;
  }

  /** False after a fault. Makes the views anew if regions of memory came or went. */
  #ready(): boolean {
    if (this.#reader.fault !== null) return false;
    const { generation } = this.#memory;
    if (generation === this.#generation) return true;
    try {
      this.#areas = new SplitAreas(this.#memory, this.#settings, this.#eventIdx);
    } catch (error) {
      return this.#reader.fail(error instanceof Error ? error.message : String(error));
    }
    this.#generation = generation;
    return true;
  }

  /** The head at `#available`, or −1. */
  #nextHead(): number {
    const { available } = this.#areas;
    if (this.#seen === this.#available) {
      // An acquire: what the driver wrote before its index is visible from here on.
      this.#seen = Atomics.load(available, RING_INDEX);
      const count = (this.#seen - this.#available) & 0xffff;
      if (count === 0) return -1;
      if (count > this.size) {
        this.#reader.fail(`Guest moved available index from ${this.#available} to ${this.#seen}`);
        return -1;
      }
    }
    const head = available[AVAILABLE_ENTRIES + (this.#available & (this.size - 1))] ?? 0;
    if (head >= this.size) {
      this.#reader.fail(`Guest says index ${head} is available`);
      return -1;
    }
    if (this.#heads[head] !== FREE) {
      this.#reader.fail(`Guest says index ${head} is available, which is in flight`);
      return -1;
    }
    return head;
  }

  /** Reads the chain that begins at a head. False: it is faulty. */
  #walk(head: number, chain: DescriptorChain): boolean {
    const reader = this.#reader;
    const { descriptors } = this.#areas;
    let left = this.size;
    let index = head;
    for (;;) {
      const at = index << 2;
      const low = descriptors[at] ?? 0;
      const high = descriptors[at + 1] ?? 0;
      const length = descriptors[at + 2] ?? 0;
      const flagsNext = descriptors[at + 3] ?? 0;
      if ((flagsNext & DESC_INDIRECT) !== 0) {
        return reader.openTable(low, high, length, flagsNext) && reader.addTableByNext(chain);
      }
      if (!reader.add(chain, low, high, length, flagsNext)) return false;
      if ((flagsNext & DESC_NEXT) === 0) return true;
      index = flagsNext >>> 16;
      if (index >= this.size) return reader.fail(`Desc next is ${index}`);
      if (--left === 0) return reader.fail("Looped descriptor");
    }
  }

  #wantsInterrupt(before: number, after: number): boolean {
    const { available, usedEvent } = this.#areas;
    if (!this.#eventIdx) return (Atomics.load(available, RING_FLAGS) & QUIET) === 0;
    const first = this.#silent;
    this.#silent = false;
    return needEvent(Atomics.load(available, usedEvent), after, before) || first;
  }

  #writeKicksWanted(): void {
    const { used, availEvent } = this.#areas;
    if (this.#eventIdx) {
      Atomics.store(used, availEvent, this.#available);
      this.#memory.wrote(this.#usedLog + 4 + 8 * this.size, 2);
    } else {
      Atomics.store(used, RING_FLAGS, this.#kicksWanted ? 0 : QUIET);
      this.#memory.wrote(this.#usedLog, 2);
    }
  }
}
