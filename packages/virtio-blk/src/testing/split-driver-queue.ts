import type { GuestMemory } from "../lib/memory/guest-memory.ts";
import { needEvent } from "../lib/ring/need-event.ts";
import { SplitAreas } from "../lib/ring/split-areas.ts";
import type { QueueSettings, VirtqueueFeatures } from "../lib/ring/virtqueue.ts";
import {
  type DriverBuffer,
  type DriverQueue,
  type DriverQueueOptions,
  layoutDriverQueue,
  type UsedBuffer,
  writeTable,
} from "./driver-queue.ts";

/** A chain that the device has. */
interface Outstanding {
  /** Descriptors of the table that it takes, the head first. */
  readonly descriptors: readonly number[];
}

/** The driver's side of a split ring. */
export class SplitDriverQueue implements DriverQueue {
  readonly size: number;
  readonly settings: QueueSettings;
  readonly features: VirtqueueFeatures;
  readonly #memory: GuestMemory;
  readonly #areas: SplitAreas;
  readonly #tables: number;
  readonly #tableEntries: number;
  readonly #eventIdx: boolean;
  readonly #freeDescriptors: number[] = [];
  readonly #outstanding: Map<number, Outstanding> = new Map();
  /** Index behind the last entry that was written. */
  #next = 0;
  /** The same when it was last asked whether to kick. */
  #asked = 0;
  #published = 0;
  #collected = 0;

  constructor(memory: GuestMemory, options: DriverQueueOptions) {
    const { size, eventIdx = false, tableEntries = 0 } = options;
    const layout = layoutDriverQueue(options);
    this.size = size;
    this.settings = layout.settings;
    this.features = { packed: false, eventIdx, indirect: tableEntries > 0 };
    this.#memory = memory;
    this.#areas = new SplitAreas(memory, layout.settings, true);
    this.#tables = layout.tables;
    this.#tableEntries = tableEntries;
    this.#eventIdx = eventIdx;
    for (let i = size - 1; i >= 0; i--) this.#freeDescriptors.push(i);
  }

  get free(): number {
    return this.#freeDescriptors.length;
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  add(buffers: readonly DriverBuffer[], direct: number = buffers.length): number {
    const indirect = buffers.slice(direct);
    const needed = direct + (indirect.length > 0 ? 1 : 0);
    if (indirect.length > this.#tableEntries) throw new RangeError("an indirect table has too few entries for this");
    if (needed === 0) throw new RangeError("a chain has at least one buffer");
    if (needed > this.#freeDescriptors.length) return -1;
    const descriptors: number[] = [];
    for (let i = 0; i < needed; i++) descriptors.push(this.#freeDescriptors.pop() ?? 0);
    const head = descriptors[0] ?? 0;
    for (const [i, buffer] of buffers.slice(0, direct).entries()) {
      this.#write(descriptors[i] ?? 0, buffer, buffer.writable ? 2 : 0, descriptors[i + 1]);
    }
    if (indirect.length > 0) {
      const address = this.#tables + head * this.#tableEntries * 16;
      writeTable(this.#memory, address, indirect, true);
      this.#write(descriptors[direct] ?? 0, { address, length: 16 * indirect.length }, 4, undefined);
    }
    this.#outstanding.set(head, { descriptors });
    this.#areas.available[2 + (this.#next & (this.size - 1))] = head;
    this.#next = (this.#next + 1) & 0xffff;
    return head;
  }

  publish(): void {
    this.#published = this.#next;
    Atomics.store(this.#areas.available, 1, this.#next);
  }

  needsKick(): boolean {
    const { used, availEvent } = this.#areas;
    const before = this.#asked;
    const after = this.#published;
    this.#asked = after;
    if (before === after) return false;
    if (this.#eventIdx) return needEvent(Atomics.load(used, availEvent), after, before);
    return (Atomics.load(used, 0) & 1) === 0;
  }

  collect(): UsedBuffer | null {
    const { used, usedWords } = this.#areas;
    if (Atomics.load(used, 1) === this.#collected) return null;
    const slot = this.#collected & (this.size - 1);
    const token = usedWords[1 + 2 * slot] ?? 0;
    const written = usedWords[2 + 2 * slot] ?? 0;
    const chain = this.#outstanding.get(token);
    if (chain === undefined) throw new Error(`the device gave back ${token}, which it does not have`);
    this.#outstanding.delete(token);
    this.#freeDescriptors.push(...chain.descriptors.toReversed());
    this.#collected = (this.#collected + 1) & 0xffff;
    return { token, written };
  }

  disableInterrupts(): void {
    // With EVENT_IDX used_event stays behind, which is as good as never.
    if (!this.#eventIdx) Atomics.store(this.#areas.available, 0, 1);
  }

  enableInterrupts(later: number = 0): boolean {
    const { available, used, usedEvent } = this.#areas;
    if (this.#eventIdx) Atomics.store(available, usedEvent, (this.#collected + later) & 0xffff);
    else Atomics.store(available, 0, 0);
    return ((Atomics.load(used, 1) - this.#collected) & 0xffff) > later;
  }

  #write(
    index: number,
    buffer: { readonly address: number; readonly length: number },
    flags: number,
    next: number | undefined,
  ): void {
    const { descriptors } = this.#areas;
    descriptors[4 * index] = buffer.address % 2 ** 32;
    descriptors[4 * index + 1] = Math.floor(buffer.address / 2 ** 32);
    descriptors[4 * index + 2] = buffer.length;
    descriptors[4 * index + 3] = next === undefined ? flags : flags | 1 | (next << 16);
  }
}
