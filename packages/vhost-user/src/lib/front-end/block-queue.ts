import type { DriverBuffer } from "@rehandle/virtio-blk/testing";
import type { FrontEndMemory } from "./front-end-memory.ts";
import type { Vring } from "./vring.ts";

/** A run of guest memory that a command reads from or writes to. */
export interface GuestRange {
  /** Guest address. */
  address: number;
  /** Bytes, > 0. */
  length: number;
}

/**
 * A request of the block device (virtio 1.2, section 5.2.6). The submitter owns the object and may use it again once it
 * completed.
 */
export interface BlockCommand {
  /** VIRTIO_BLK_T_…: the first field of the header. */
  type: number;
  /** The third field of the header, 512-byte sectors; a safe integer ≥ 0. 0 where the type has none. */
  sector: number;
  /** What the device reads (write, discard, write-zeroes) or writes (read, get-id). It lies in guest memory. */
  data: readonly GuestRange[];
  /** The device writes `data`. */
  deviceWrites: boolean;
  /**
   * Called once, never from within `submit`. `status` is VIRTIO_BLK_S_…, or −1 if the queue was abandoned before an answer
   * came; `written` is how many bytes the device says to have written, the status included.
   */
  complete: (command: BlockCommand, status: number, written: number) => void;
  /** The submitter's own. */
  owner: unknown;
}

/** What the device may leave in the status byte is 0, 1 or 2; this says that it left it alone. */
const NO_STATUS = 0xff;
const HEADER_BYTES = 16;
/** Header and status, and room up to the next. */
const SLOT_BYTES = 32;

/** Where one command in flight has its header and its status. */
interface Slot {
  readonly at: number;
  readonly header: DriverBuffer;
  readonly status: DriverBuffer;
  command: BlockCommand | null;
}

/** Mutable, so that one list serves all submissions. */
interface Buffer {
  address: number;
  length: number;
  writable: boolean;
}

/** Commands over one vring of a front end, whose listener it becomes. @throws RangeError if guest memory is full. */
export function createBlockQueue(
  frontEnd: { readonly vrings: readonly Vring[]; readonly memory: FrontEndMemory },
  index: number,
): BlockQueue {
  const vring = frontEnd.vrings[index];
  if (vring === undefined) throw new RangeError(`there is no vring ${index}`);
  return new BlockQueue(vring, frontEnd.memory);
}

/**
 * Sends commands over one vring, as many at a time as fit, and the rest in order after them. What was submitted in one turn
 * of the event loop becomes available together, with one kick at most.
 */
export class BlockQueue {
  readonly #vring: Vring;
  readonly #memory: FrontEndMemory;
  readonly #bytes: Uint8Array;
  readonly #header: DataView;
  readonly #area: number;
  readonly #freeSlots: Slot[] = [];
  readonly #slotOfToken: (Slot | null)[];
  readonly #waiting: BlockCommand[] = [];
  readonly #buffers: DriverBuffer[] = [];
  readonly #dataBuffers: Buffer[] = [];
  readonly #flush: () => void;
  #flushWanted = false;
  #inFlight = 0;

  /** Takes over the vring's completions. @throws RangeError if guest memory is full. */
  constructor(vring: Vring, memory: FrontEndMemory) {
    this.#vring = vring;
    this.#memory = memory;
    this.#area = memory.allocate(vring.size * SLOT_BYTES, SLOT_BYTES);
    this.#bytes = memory.bytes(this.#area, vring.size * SLOT_BYTES);
    this.#header = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    this.#slotOfToken = Array.from({ length: vring.size }, () => null);
    for (let index = vring.size - 1; index >= 0; index -= 1) this.#freeSlots.push(this.#createSlot(index));
    this.#flush = () => this.#publish();
    vring.listener = {
      onUsed: (token, written) => this.#complete(token, written),
      onCollected: () => this.#sendWaiting(),
      onReset: () => this.abandon(),
    };
  }

  /** Commands that the device has. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Sends a command now, or when there is room for it. */
  submit(command: BlockCommand): void {
    if (this.#waiting.length > 0 || !this.#send(command)) this.#waiting.push(command);
    this.#wantFlush();
  }

  /**
   * Completes everything with status −1. The vring must not run any more and must be made anew before the next submission;
   * a device that still has the memory may still write to where the data was.
   */
  abandon(): void {
    const commands = this.#slotOfToken.flatMap((slot) => (slot?.command ? [slot.command] : []));
    for (const [token, slot] of this.#slotOfToken.entries()) {
      if (slot === null) continue;
      slot.command = null;
      this.#freeSlots.push(slot);
      this.#slotOfToken[token] = null;
    }
    this.#inFlight = 0;
    for (const command of commands.concat(this.#waiting.splice(0))) command.complete(command, -1, 0);
  }

  /** Gives its part of guest memory back. It must be idle. */
  close(): void {
    this.#memory.free(this.#area);
  }

  #createSlot(index: number): Slot {
    const at = index * SLOT_BYTES;
    const address = this.#area + at;
    return {
      at,
      header: { address, length: HEADER_BYTES, writable: false },
      status: { address: address + HEADER_BYTES, length: 1, writable: true },
      command: null,
    };
  }

  #send(command: BlockCommand): boolean {
    const slot = this.#freeSlots.at(-1);
    if (slot === undefined) return false;
    const token = this.#vring.add(this.#buffersOf(command, slot));
    if (token === -1) {
      if (this.#inFlight === 0)
        throw new RangeError(`a command of ${command.data.length} parts does not fit the queue`);
      return false;
    }
    this.#freeSlots.pop();
    slot.command = command;
    this.#writeHeader(slot.at, command);
    this.#slotOfToken[token] = slot;
    this.#inFlight += 1;
    return true;
  }

  #writeHeader(at: number, { type, sector }: BlockCommand): void {
    const header = this.#header;
    header.setUint32(at, type, true);
    header.setUint32(at + 4, 0, true);
    header.setUint32(at + 8, sector >>> 0, true);
    header.setUint32(at + 12, Math.floor(sector / 2 ** 32), true);
    header.setUint8(at + HEADER_BYTES, NO_STATUS);
  }

  #buffersOf(command: BlockCommand, slot: Slot): readonly DriverBuffer[] {
    const { data, deviceWrites } = command;
    const buffers = this.#buffers;
    buffers.length = 0;
    buffers.push(slot.header);
    for (const [index, part] of data.entries()) {
      const buffer = (this.#dataBuffers[index] ??= { address: 0, length: 0, writable: false });
      buffer.address = part.address;
      buffer.length = part.length;
      buffer.writable = deviceWrites;
      buffers.push(buffer);
    }
    buffers.push(slot.status);
    return buffers;
  }

  #wantFlush(): void {
    if (this.#flushWanted) return;
    this.#flushWanted = true;
    queueMicrotask(this.#flush);
  }

  #publish(): void {
    this.#flushWanted = false;
    this.#vring.kick();
  }

  #complete(token: number, written: number): void {
    const slot = this.#slotOfToken[token];
    const command = slot?.command;
    if (!slot || !command) return;
    const status = this.#bytes[slot.at + HEADER_BYTES]!;
    slot.command = null;
    this.#slotOfToken[token] = null;
    this.#freeSlots.push(slot);
    this.#inFlight -= 1;
    command.complete(command, status, written);
  }

  /** There is room again. */
  #sendWaiting(): void {
    let sent = 0;
    while (sent < this.#waiting.length && this.#send(this.#waiting[sent]!)) sent += 1;
    if (sent === 0) return;
    this.#waiting.splice(0, sent);
    this.#wantFlush();
  }
}
