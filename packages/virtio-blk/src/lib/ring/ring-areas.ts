import type { GuestMemory } from "../memory/guest-memory.ts";
import { VirtioError } from "../virtio-error.ts";

/** Typed views need this; a big-endian host would have to swap every field, and there the layouts are refused instead. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * The bytes of one area of a queue.
 *
 * @throws VirtioError `queue-area` if they are misaligned or not all in one window of guest memory.
 */
export function mapArea(
  memory: GuestMemory,
  name: string,
  address: number,
  bytes: number,
  alignment: number,
): Uint8Array {
  if (!LITTLE_ENDIAN) throw new VirtioError("queue-area", "virtqueues need a little-endian host");
  if (!Number.isSafeInteger(address) || address < 0 || address % alignment !== 0) {
    throw new VirtioError("queue-area", `${name} at 0x${address.toString(16)} is not aligned to ${alignment}`);
  }
  const area = memory.contiguous(address, bytes);
  if (area !== null) return area;
  const problem = memory.contains(address, bytes) ? "crosses windows of guest memory" : "is not in guest memory";
  throw new VirtioError("queue-area", `${name} at 0x${address.toString(16)}+0x${bytes.toString(16)} ${problem}`);
}
