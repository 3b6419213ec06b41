import type { DescriptorChain } from "../ring/descriptor-chain.ts";
import type { GuestMemory, MemoryPlace } from "../memory/guest-memory.ts";

/** Bytes of a request's header: type u32, reserved u32, sector u64 (virtio 1.2, section 5.2.6). */
export const HEADER_BYTES = 16;

/** The fields of a header, read once: the driver may change its memory at any time. */
export class RequestHeader {
  type = 0;
  /** The first sector; as a number it is exact below 2^53, and out of range of any storage from there on. */
  sector = 0;
  readonly #bytes: Uint8Array = new Uint8Array(HEADER_BYTES);
  readonly #view: DataView = new DataView(this.#bytes.buffer);

  /** False if the header is not in guest memory. The chain has at least 16 readable bytes, in parts of any size. */
  read(memory: GuestMemory, chain: DescriptorChain, place: MemoryPlace): boolean {
    const [address, length] = [chain.addresses[0]!, chain.lengths[0]!];
    if (length >= HEADER_BYTES && memory.locate(address, HEADER_BYTES, place)) {
      this.#take(place.window.view, place.offset);
      return true;
    }
    if (!gatherReadable(memory, chain, 0, this.#bytes)) return false;
    this.#take(this.#view, 0);
    return true;
  }

  #take(view: DataView, at: number): void {
    this.type = view.getUint32(at, true);
    this.sector = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32;
  }
}

/** Copies readable bytes from `skip` on into all of `target`. False if any of them is not in guest memory. */
export function gatherReadable(memory: GuestMemory, chain: DescriptorChain, skip: number, target: Uint8Array): boolean {
  let from = skip;
  let done = 0;
  for (let part = 0; part < chain.readableParts && done < target.length; part += 1) {
    const length = chain.lengths[part]!;
    const count = Math.min(length - from, target.length - done);
    if (count <= 0) {
      from -= length;
      continue;
    }
    if (!memory.read(chain.addresses[part]! + from, target.subarray(done, done + count))) return false;
    done += count;
    from = 0;
  }
  return done === target.length;
}

/** Appends views of all readable bytes behind the header. False if any of them is not in guest memory. */
export function translateReadable(memory: GuestMemory, chain: DescriptorChain, iov: Uint8Array[]): boolean {
  let skip = HEADER_BYTES;
  for (let part = 0; part < chain.readableParts; part += 1) {
    const length = chain.lengths[part]!;
    if (skip < length && !memory.translate(chain.addresses[part]! + skip, length - skip, iov)) return false;
    skip = Math.max(0, skip - length);
  }
  return true;
}

/** Appends views of the first `length` writable bytes. False if any of them is not in guest memory. */
export function translateWritable(
  memory: GuestMemory,
  chain: DescriptorChain,
  length: number,
  iov: Uint8Array[],
): boolean {
  let left = length;
  for (let part = chain.readableParts; left > 0 && part < chain.parts; part += 1) {
    const count = Math.min(left, chain.lengths[part]!);
    if (!memory.translate(chain.addresses[part]!, count, iov)) return false;
    left -= count;
  }
  return left === 0;
}

/** Tells the dirty log that the first `length` writable bytes were written. */
export function markWritten(memory: GuestMemory, chain: DescriptorChain, length: number): void {
  if (memory.onDirty === null) return;
  let left = length;
  for (let part = chain.readableParts; left > 0 && part < chain.parts; part += 1) {
    const count = Math.min(left, chain.lengths[part]!);
    memory.wrote(chain.addresses[part]!, count);
    left -= count;
  }
}

/** Writes the last writable byte, which is the status. False if it is not in guest memory. */
export function writeStatus(memory: GuestMemory, chain: DescriptorChain, status: number): boolean {
  const last = chain.parts - 1;
  const address = chain.addresses[last]! + chain.lengths[last]! - 1;
  if (!memory.writeByte(address, status)) return false;
  memory.wrote(address, 1);
  return true;
}
