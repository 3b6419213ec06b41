import type { GuestMemory } from "../memory/guest-memory.ts";
import { VirtioError } from "../virtio-error.ts";
import { PackedVirtqueue } from "./packed-virtqueue.ts";
import { SplitVirtqueue } from "./split-virtqueue.ts";
import type { QueueSettings, Virtqueue, VirtqueueFeatures } from "./virtqueue.ts";

/** Entries that a queue can have at most, in either form. */
export const MAX_QUEUE_SIZE = 32768;

/**
 * The device's side of a virtqueue in guest memory. It may write to the device's part of it at once, to ask for kicks. A driver
 * that waited while nobody served the queue, because who did died, may wait for an interrupt that never came, and may have
 * kicked who did not hear it: whoever starts a queue pops at once, and interrupts once if somebody ran it before.
 *
 * @throws VirtioError `queue-size`, `queue-area`, `queue-position` or `inflight` if it cannot be used as described.
 */
export function createVirtqueue(
  memory: GuestMemory,
  settings: QueueSettings,
  features: VirtqueueFeatures = {},
): Virtqueue {
  const { size } = settings;
  if (!Number.isInteger(size) || size < 1 || size > MAX_QUEUE_SIZE) {
    throw new VirtioError("queue-size", `a queue of ${size} entries: 1 … ${MAX_QUEUE_SIZE} are possible`);
  }
  if (features.packed === true) return new PackedVirtqueue(memory, settings, features);
  if ((size & (size - 1)) !== 0) {
    throw new VirtioError("queue-size", `a split queue of ${size} entries: it has to be a power of two`);
  }
  return new SplitVirtqueue(memory, settings, features);
}
