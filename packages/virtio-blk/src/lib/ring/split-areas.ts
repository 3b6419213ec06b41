import type { GuestMemory } from "../memory/guest-memory.ts";
import { mapArea } from "./ring-areas.ts";
import type { QueueSettings } from "./virtqueue.ts";

/** Index of `flags` in the halfwords of the available and of the used ring. */
export const RING_FLAGS = 0;
/** Index of `idx` in the halfwords of the available and of the used ring. */
export const RING_INDEX = 1;
/** Index of the first entry in the halfwords of the available ring. */
export const AVAILABLE_ENTRIES = 2;
/** Index of the first entry in the words of the used ring; each takes two, `id` and `len`. */
export const USED_ENTRIES = 1;

/** Views on the three areas of a split ring (virtio 1.2, 2.7). */
export class SplitAreas {
  /** Descriptor table, in words: address low, address high, length, flags | next << 16. Signed, which costs no garbage. */
  readonly descriptors: Int32Array;
  /** Available ring, in halfwords: flags, idx, entries, used_event. */
  readonly available: Uint16Array;
  /** Used ring, in halfwords: flags, idx, entries, avail_event. */
  readonly used: Uint16Array;
  /** The same in words. */
  readonly usedWords: Uint32Array;
  /** Index of `used_event` in `available`. */
  readonly usedEvent: number;
  /** Index of `avail_event` in `used`. */
  readonly availEvent: number;

  /** @throws VirtioError `queue-area`. */
  constructor(memory: GuestMemory, settings: QueueSettings, eventIdx: boolean) {
    const { size } = settings;
    const event = eventIdx ? 2 : 0;
    const descriptors = mapArea(memory, "descriptor table", settings.descriptorArea, 16 * size, 16);
    const available = mapArea(memory, "available ring", settings.driverArea, 4 + 2 * size + event, 2);
    const used = mapArea(memory, "used ring", settings.deviceArea, 4 + 8 * size + event, 4);
    this.descriptors = new Int32Array(descriptors.buffer, descriptors.byteOffset, 4 * size);
    this.available = new Uint16Array(available.buffer, available.byteOffset, available.length / 2);
    this.used = new Uint16Array(used.buffer, used.byteOffset, used.length / 2);
    this.usedWords = new Uint32Array(used.buffer, used.byteOffset, 1 + 2 * size);
    this.usedEvent = AVAILABLE_ENTRIES + size;
    this.availEvent = 2 + 4 * size;
  }
}
