import { GuestMemory } from "../lib/memory/guest-memory.ts";
import { MAX_CHAIN_PARTS } from "../lib/ring/chain-reader.ts";
import { createVirtqueue } from "../lib/ring/create-virtqueue.ts";
import { DescriptorChain } from "../lib/ring/descriptor-chain.ts";
import { inflightBytes } from "../lib/ring/inflight-bytes.ts";
import type { QueueSettings, Virtqueue, VirtqueueFeatures } from "../lib/ring/virtqueue.ts";
import { layoutDriverQueue } from "./driver-queue.ts";
import { HostileDriver } from "./hostile-driver.ts";

const BASE = 0x1_0000;
const RING = 0x4000;
const DATA = 0x2000;
/** Behind a hole, and at the last addresses that a number can have. */
const FAR = 2 ** 53 - 2 ** 20;

/** What a run met. */
export interface RingFuzzReport {
  /** Queues that were started. */
  readonly queues: number;
  /** Chains that were taken and could be worked with. */
  readonly chains: number;
  /** How often each fault ended a queue; numbers in it are left out. */
  readonly faults: ReadonlyMap<string, number>;
}

/** Guest memory whose driver acts while the device looks. */
class RacingMemory extends GuestMemory {
  race: (() => void) | null = null;

  override contains(address: number, length: number): boolean {
    this.race?.();
    return super.contains(address, length);
  }
}

/**
 * Lets a hostile driver at the device's side of queues, each until its first fault, and looks after every step whether the
 * device touched anything but what is its own.
 *
 * @param random - Numbers in [0, 1); the same ones repeat the run.
 * @param steps - How many times device and driver take turns.
 * @throws Error if the device threw, never came to an end, or wrote where it must not.
 */
export function fuzzRings(random: () => number, steps: number): RingFuzzReport {
  const faults = new Map<string, number>();
  let queues = 0;
  let chains = 0;
  let run: FuzzRun | null = null;
  for (let step = 0; step < steps; step++) {
    if (run === null) {
      run = new FuzzRun(random);
      queues++;
    }
    chains += run.step();
    const { fault } = run;
    if (fault === null) continue;
    const kind = fault.replaceAll(/0x[0-9a-f]+|\d+/gu, "…");
    faults.set(kind, (faults.get(kind) ?? 0) + 1);
    run = null;
  }
  return { queues, chains, faults };
}

class FuzzRun {
  readonly #random: () => number;
  readonly #memory: RacingMemory = new RacingMemory();
  readonly #buffers: readonly ArrayBuffer[];
  /** What each buffer has to hold, but for what the device may write. */
  readonly #expected: readonly Uint8Array[];
  readonly #settings: QueueSettings;
  readonly #features: VirtqueueFeatures;
  readonly #driver: HostileDriver;
  readonly #device: Virtqueue;
  readonly #taken: DescriptorChain[] = [];

  constructor(random: () => number) {
    this.#random = random;
    const buffers = [RING, DATA, DATA, DATA].map((bytes) => new ArrayBuffer(bytes));
    this.#buffers = buffers;
    this.#expected = buffers.map((buffer) => new Uint8Array(buffer.byteLength));
    const [ring, left, right, far] = buffers;
    if (ring === undefined || left === undefined || right === undefined || far === undefined)
      throw new Error("no memory");
    this.#memory.addRegion({ guestAddress: BASE, size: RING, windows: [ring] });
    this.#memory.addRegion({ guestAddress: BASE + RING, size: 2 * DATA, windows: [left, right] });
    this.#memory.addRegion({ guestAddress: FAR, size: DATA, windows: [far] });

    const packed = this.#below(2) === 0;
    const size = packed ? 1 + this.#below(40) : 2 ** this.#below(7);
    this.#features = { packed, indirect: this.#below(4) > 0, eventIdx: this.#below(2) === 0 };
    const { settings } = layoutDriverQueue({ size, packed, address: BASE + 16 * this.#below(8) });
    const inflight = this.#below(2) === 0 ? { inflight: new Uint8Array(inflightBytes(size, packed)) } : {};
    this.#settings = { ...settings, ...inflight };
    this.#driver = new HostileDriver({
      settings,
      features: this.#features,
      addresses: [BASE, BASE + RING, BASE + RING + DATA, BASE + RING + 2 * DATA, FAR, FAR + DATA, 0],
      tables: { address: BASE + RING, bytes: 2 * DATA },
      random,
      write: (address, bytes) => this.#write(address, bytes),
    });
    this.#driver.fill();
    this.#device = createVirtqueue(this.#memory, this.#settings, this.#features);
    this.#adopt();
  }

  get fault(): string | null {
    return this.#device.fault;
  }

  /** Driver and device take a turn. Returns how many chains the device took. */
  step(): number {
    for (let i = this.#below(6); i >= 0; i--) this.#driver.act();
    this.#memory.race = this.#below(3) === 0 ? () => this.#driver.act() : null;
    let taken = 0;
    while (taken <= this.#settings.size && this.#take()) taken++;
    if (taken > this.#settings.size) throw new Error("the device took more than the queue has");
    this.#giveBack();
    if (this.#below(2) === 0) this.#device.disableKicks();
    else this.#device.enableKicks();
    this.#memory.race = null;
    this.#compare();
    return taken;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #take(): boolean {
    const chain = new DescriptorChain();
    if (!this.#device.pop(chain)) return false;
    const { parts, readableParts, addresses, lengths } = chain;
    let readable = 0;
    let writable = 0;
    for (let i = 0; i < parts; i++) {
      const length = lengths[i] ?? 0;
      if (i < readableParts) readable += length;
      else writable += length;
      if (!(length > 0 && this.#isMemory(addresses[i] ?? -1, length))) throw new Error("a part is not memory");
    }
    const wrong = parts === 0 || parts > MAX_CHAIN_PARTS || readable + writable > 2 ** 32;
    if (wrong || readable !== chain.readableLength || writable !== chain.writableLength) {
      throw new Error("a chain does not add up");
    }
    this.#taken.push(chain);
    if (this.#device.inFlight !== this.#taken.length || this.#taken.length > this.#settings.size) {
      throw new Error("more is in flight than the queue has");
    }
    return true;
  }

  #giveBack(): void {
    if (this.#below(10) === 0) {
      if (this.#device.putBack(this.#taken)) this.#taken.length = 0;
      return;
    }
    for (let i = this.#below(this.#taken.length + 1); i > 0; i--) {
      const [chain] = this.#taken.splice(this.#below(this.#taken.length), 1);
      if (chain !== undefined) this.#device.push(chain, this.#below(2 ** 33));
    }
    this.#device.publish();
  }

  /** Not GuestMemory's opinion. */
  #isMemory(address: number, length: number): boolean {
    const low = address >= BASE && address + length <= BASE + RING + 2 * DATA;
    return low || (address >= FAR && address + length <= FAR + DATA);
  }

  #write(address: number, bytes: Uint8Array): boolean {
    for (const [i, byte] of bytes.entries()) {
      const place = this.#place(address + i);
      if (place === null) return false;
      new Uint8Array(place.buffer)[place.offset] = byte;
      place.expected[place.offset] = byte;
    }
    return true;
  }

  #place(address: number): { buffer: ArrayBuffer; expected: Uint8Array; offset: number } | null {
    let index = 3;
    let offset = address - FAR;
    if (address < BASE + RING) [index, offset] = [0, address - BASE];
    else if (address < FAR) {
      index = 1 + Math.floor((address - BASE - RING) / DATA);
      offset = (address - BASE - RING) % DATA;
    }
    const buffer = this.#buffers[index];
    const expected = this.#expected[index];
    if (buffer === undefined || expected === undefined || offset < 0 || offset >= buffer.byteLength) return null;
    return { buffer, expected, offset };
  }

  /** What the device may write, as offsets in the ring's buffer. */
  #own(): (readonly [start: number, end: number])[] {
    const { size, descriptorArea, driverArea, deviceArea } = this.#settings;
    if (this.#features.packed === true) {
      return [
        [descriptorArea - BASE, descriptorArea - BASE + 16 * size],
        [deviceArea - BASE, deviceArea - BASE + 4],
      ];
    }
    const event = this.#features.eventIdx === true ? 2 : 0;
    return [
      [driverArea - BASE + 4, driverArea - BASE + 4 + 2 * size],
      [deviceArea - BASE, deviceArea - BASE + 4 + 8 * size + event],
    ];
  }

  #adopt(): void {
    const [ring = new ArrayBuffer(0)] = this.#buffers;
    for (const [start, end] of this.#own()) {
      this.#expected[0]?.set(new Uint8Array(ring, start, end - start), start);
    }
  }

  #compare(): void {
    this.#adopt();
    for (const [index, buffer] of this.#buffers.entries()) {
      const actual = new Uint32Array(buffer);
      const expected = new Uint32Array(this.#expected[index]?.buffer ?? new ArrayBuffer(0));
      for (let i = 0; i < actual.length; i++) {
        if (actual[i] !== expected[i]) throw new Error(`the device wrote at ${4 * i} of buffer ${index}`);
      }
    }
  }
}
