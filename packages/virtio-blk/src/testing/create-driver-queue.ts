import type { GuestMemory } from "../lib/memory/guest-memory.ts";
import type { DriverQueue, DriverQueueOptions } from "./driver-queue.ts";
import { PackedDriverQueue } from "./packed-driver-queue.ts";
import { SplitDriverQueue } from "./split-driver-queue.ts";

/**
 * The driver's side of a queue in guest memory.
 *
 * @throws VirtioError if its areas are not in guest memory.
 */
export function createDriverQueue(memory: GuestMemory, options: DriverQueueOptions): DriverQueue {
  return options.packed === true ? new PackedDriverQueue(memory, options) : new SplitDriverQueue(memory, options);
}
