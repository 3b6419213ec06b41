import type { DriverBuffer, DriverQueue, TestMemory } from "../../../testing/index.ts";
import { createDriverQueue, createTestMemory, driverQueueBytes } from "../../../testing/index.ts";
import type { VirtioBlockDevice } from "../virtio-block-device.ts";
import { VirtioFeature } from "../virtio-features.ts";

/** Bytes of guest memory that one request has for itself, unless the test says otherwise. */
const SLOT = 64 * 1024;

/** What is in guest memory that nobody wrote to. */
export const CANARY = 0xc5;

/** What a guest asks for. */
export interface GuestAsk {
  readonly type: number;
  readonly sector?: number;
  /** Readable bytes behind the header. */
  readonly out?: Uint8Array;
  /** Writable bytes before the status. Default 0. */
  readonly inLength?: number;
  /** Lengths of the descriptors of the readable and of the writable part. Default: header, data; data, status. */
  readonly readable?: readonly number[];
  readonly writable?: readonly number[];
  /** See DriverQueue.add. */
  readonly direct?: number;
}

/** A request of the guest, and what became of it. */
export class GuestRequest {
  readonly ask: GuestAsk;
  readonly address: number;
  done = false;
  /** The status byte; -1 before. */
  status = -1;
  /** What the used entry says. */
  written = -1;
  /** The data that came in. */
  data: Uint8Array = new Uint8Array(0);

  constructor(ask: GuestAsk, address: number) {
    this.ask = ask;
    this.address = address;
  }

  get readableLength(): number {
    return 16 + (this.ask.out?.length ?? 0);
  }

  get writableLength(): number {
    return 1 + (this.ask.inLength ?? 0);
  }

  /** Where the writable bytes start: a little behind the readable ones, so that a byte too far is seen. */
  get writableAddress(): number {
    return this.address + this.readableLength + 7;
  }
}

export interface GuestOptions {
  readonly queue?: number;
  readonly size?: number;
  readonly packed?: boolean;
  readonly eventIdx?: boolean;
  readonly tableEntries?: number;
  /** Requests that may be outstanding. Default 16. */
  readonly slots?: number;
  readonly windowSize?: number;
  /** Bytes of guest memory that one request has for itself. Default 64 KiB. */
  readonly slotBytes?: number;
  /** Share another guest's memory: a second queue of the same machine. */
  readonly shared?: TestGuest;
}

/** A guest with one queue, which looks at every byte of its memory. */
export class TestGuest {
  readonly test: TestMemory;
  readonly index: number;
  interrupts = 0;
  readonly #options: GuestOptions;
  readonly #slotBytes: number;
  readonly #queueAddress: number;
  readonly #queueBytes: number;
  readonly #slots: number[] = [];
  readonly #all: number[] = [];
  readonly #pending: Map<number, GuestRequest> = new Map();
  #queue: DriverQueue;

  constructor(options: GuestOptions = {}) {
    const { slots = 16, windowSize, slotBytes = SLOT } = options;
    this.#options = options;
    this.#slotBytes = slotBytes;
    this.index = options.queue ?? 0;
    const ring = this.#ringOptions();
    this.#queueBytes = driverQueueBytes(ring);
    const size =
      2 ** Math.ceil(Math.log2(this.#queueBytes + 16 * 1024)) * (options.shared ? 1 : 4) + this.#slotBytes * slots * 2;
    this.test = options.shared?.test ?? createTestMemory(size, windowSize === undefined ? {} : { windowSize });
    // A ring has to be in one window.
    this.#queueAddress = this.test.allocate(this.#queueBytes, 2 ** Math.ceil(Math.log2(this.#queueBytes)));
    for (let at = 0; at < slots; at += 1) this.#slots.push(this.test.allocate(this.#slotBytes));
    this.#all.push(...this.#slots);
    for (const slot of this.#slots) this.#fill(slot);
    this.#queue = createDriverQueue(this.test.memory, { ...ring, address: this.#queueAddress });
  }

  get queue(): DriverQueue {
    return this.#queue;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** What has to be negotiated for the ring. */
  get ringFeatures(): bigint {
    const { packed, indirect, eventIdx } = this.#queue.features;
    let features: bigint = VirtioFeature.VERSION_1;
    if (packed === true) features |= VirtioFeature.RING_PACKED;
    if (indirect === true) features |= VirtioFeature.INDIRECT_DESC;
    if (eventIdx === true) features |= VirtioFeature.EVENT_IDX;
    return features;
  }

  /** What a guest accepts by itself: everything, but of the rings only what this one is. */
  featuresFor(device: VirtioBlockDevice): bigint {
    const rings: bigint = VirtioFeature.RING_PACKED | VirtioFeature.INDIRECT_DESC | VirtioFeature.EVENT_IDX;
    return (device.offeredFeatures & ~rings) | this.ringFeatures;
  }

  /** Negotiates, and starts the queue. */
  start(device: VirtioBlockDevice, features: bigint = this.featuresFor(device)): void {
    if (!device.negotiate(features)) throw new Error("the features were refused");
    device.startQueue(this.index, this.#queue.settings);
  }

  /** Forgets all that is outstanding and makes the queue anew, as after a reset. Slots are poisoned again. */
  restart(): void {
    this.#pending.clear();
    this.#slots.splice(0, this.#slots.length, ...this.#all);
    for (const slot of this.#slots) this.#fill(slot);
    this.test.memory.write(this.#queueAddress, new Uint8Array(this.#queueBytes));
    this.#queue = createDriverQueue(this.test.memory, { ...this.#ringOptions(), address: this.#queueAddress });
  }

  /** Adds a request; null: no room. Nobody is told. */
  add(ask: GuestAsk): GuestRequest | null {
    const slot = this.#slots.at(-1);
    if (slot === undefined) return null;
    const request = new GuestRequest(ask, slot);
    const header = new DataView(new ArrayBuffer(16));
    const sector = ask.sector ?? 0;
    header.setUint32(0, ask.type, true);
    header.setUint32(8, sector % 2 ** 32, true);
    header.setUint32(12, Math.floor(sector / 2 ** 32), true);
    this.test.memory.write(slot, new Uint8Array(header.buffer));
    if (ask.out) this.test.memory.write(slot + 16, ask.out);
    const token = this.#queue.add(buffersOf(request), ask.direct);
    if (token === -1) {
      this.#fill(slot);
      return null;
    }
    this.#slots.pop();
    this.#pending.set(token, request);
    return request;
  }

  /** Makes requests available, and kicks if the device wants it. */
  kick(device: VirtioBlockDevice): void {
    this.#queue.publish();
    if (this.#queue.needsKick()) device.kick(this.index);
  }

  /** Adds a request and kicks. */
  ask(device: VirtioBlockDevice, ask: GuestAsk): GuestRequest {
    const request = this.add(ask);
    if (request === null) throw new Error("no room for a request");
    this.kick(device);
    return request;
  }

  /** Takes what came back, and checks that nothing else was written. */
  collect(): GuestRequest[] {
    const back: GuestRequest[] = [];
    for (let used = this.#queue.collect(); used !== null; used = this.#queue.collect()) {
      const request = this.#pending.get(used.token);
      if (request === undefined) throw new Error(`${used.token} came back, which is not outstanding`);
      this.#pending.delete(used.token);
      request.done = true;
      request.written = used.written;
      request.data = this.read(request.writableAddress, request.writableLength - 1);
      request.status = this.test.memory.readByte(request.writableAddress + request.writableLength - 1);
      this.#check(request);
      this.#fill(request.address);
      this.#slots.push(request.address);
      back.push(request);
    }
    return back;
  }

  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.test.memory.read(address, bytes);
    return bytes;
  }

  /** @throws Error if memory was written that no request has. */
  checkIdle(): void {
    for (const slot of this.#slots) {
      const at = this.read(slot, this.#slotBytes).findIndex((byte) => byte !== CANARY);
      if (at !== -1) throw new Error(`byte ${at} of memory that no request has was written`);
    }
  }

  /** All memory of the requests. */
  snapshot(): Uint8Array {
    const bytes = new Uint8Array(this.#slotBytes * this.#all.length);
    for (const [at, slot] of this.#all.entries()) bytes.set(this.read(slot, this.#slotBytes), at * this.#slotBytes);
    return bytes;
  }

  /** Bytes that differ from a snapshot. */
  changesSince(before: Uint8Array): number {
    const now = this.snapshot();
    let changes = 0;
    for (let at = 0; at < now.length; at += 1) if (now[at] !== before[at]) changes += 1;
    return changes;
  }

  /** Every byte that the device had no business with. */
  #check(request: GuestRequest): void {
    const bytes = this.read(request.address, this.#slotBytes);
    const from = request.writableAddress - request.address;
    for (let at = 0; at < this.#slotBytes; at += 1) {
      if (at < request.readableLength || (at >= from && at < from + request.writableLength)) continue;
      if (bytes[at] !== CANARY) throw new Error(`byte ${at - from} of a request's writable part was written`);
    }
    const out = request.ask.out ?? new Uint8Array(0);
    for (let at = 0; at < out.length; at += 1) {
      if (bytes[16 + at] !== out[at]) throw new Error(`readable byte ${at} was written`);
    }
  }

  #fill(slot: number): void {
    this.test.memory.write(slot, new Uint8Array(this.#slotBytes).fill(CANARY));
  }

  #ringOptions(): { size: number; packed: boolean; eventIdx: boolean; tableEntries: number } {
    const { size = 64, packed = false, eventIdx = false, tableEntries = 0 } = this.#options;
    return { size, packed, eventIdx, tableEntries };
  }
}

function buffersOf(request: GuestRequest): DriverBuffer[] {
  const { ask, readableLength, writableLength } = request;
  const out = readableLength - 16;
  const readable = ask.readable ?? (out > 0 ? [16, out] : [16]);
  const writable = ask.writable ?? (writableLength > 1 ? [writableLength - 1, 1] : [1]);
  return [...cut(request.address, readable, false), ...cut(request.writableAddress, writable, true)];
}

function cut(start: number, lengths: readonly number[], writable: boolean): DriverBuffer[] {
  let address = start;
  return lengths.map((length) => {
    const buffer = { address, length, writable };
    address += length;
    return buffer;
  });
}
