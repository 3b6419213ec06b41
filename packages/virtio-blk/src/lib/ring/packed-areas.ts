import type { GuestMemory } from "../memory/guest-memory.ts";
import { mapArea } from "./ring-areas.ts";
import type { QueueSettings } from "./virtqueue.ts";

/** Event suppression flags (virtio 1.2, 2.8.14). */
export const EVENT_ENABLE = 0;
export const EVENT_DISABLE = 1;
export const EVENT_DESCRIPTOR = 2;

/** Views on the three areas of a packed ring (virtio 1.2, 2.8). */
export class PackedAreas {
  /** Descriptor ring, in words: address low, address high, length, id | flags << 16. Signed, which costs no garbage. */
  readonly descriptors: Int32Array;
  /** Driver event suppression, one word: offset | wrap << 15 | flags << 16. */
  readonly driverEvent: Uint32Array;
  /** Device event suppression, alike. */
  readonly deviceEvent: Uint32Array;

  /** @throws VirtioError `queue-area`. */
  constructor(memory: GuestMemory, settings: QueueSettings) {
    const { size } = settings;
    const descriptors = mapArea(memory, "descriptor ring", settings.descriptorArea, 16 * size, 16);
    const driverEvent = mapArea(memory, "driver event suppression", settings.driverArea, 4, 4);
    const deviceEvent = mapArea(memory, "device event suppression", settings.deviceArea, 4, 4);
    this.descriptors = new Int32Array(descriptors.buffer, descriptors.byteOffset, 4 * size);
    this.driverEvent = new Uint32Array(driverEvent.buffer, driverEvent.byteOffset, 1);
    this.deviceEvent = new Uint32Array(deviceEvent.buffer, deviceEvent.byteOffset, 1);
  }
}

/**
 * True if a driver or device with this event suppression word wants to hear that the other side went `advanced` entries
 * forward and is at `position` of the round of `wrap` now (virtio 1.2, 2.8.10).
 */
export function packedEventWanted(
  word: number,
  position: number,
  wrap: 0 | 1,
  advanced: number,
  size: number,
  eventIdx: boolean,
): boolean {
  const flags = (word >>> 16) & 3;
  if (flags === EVENT_DISABLE) return false;
  if (flags !== EVENT_DESCRIPTOR || !eventIdx) return true;
  // The position in the round of `wrap`; in the round before it is that much earlier.
  const event = (word & 0x7fff) - (((word >>> 15) & 1) === wrap ? 0 : size);
  return event < position && event >= position - advanced;
}
