import { createRandom, createVirtualClock, type Random } from "@rehandle/driver-sdk";

import { GuestMemory } from "../../memory/guest-memory.ts";
import type { QueueSettings } from "../../ring/virtqueue.ts";
import { createVirtioBlockDevice } from "../create-virtio-block-device.ts";
import type { VirtioBlockDevice } from "../virtio-block-device.ts";
import { VirtioFeature } from "../virtio-features.ts";
import { ScriptedDriver } from "./scripted-driver.ts";

/** Guest memory: rings, then tables, headers and data; behind its end bytes that are nobody's. */
const START = 0x1000;
const SIZE = 64 * 1024;
const TAIL = 4096;
const QUEUE_SIZE = 16;
const TABLES = START + 0x2000;
const HEADERS = START + 0x4000;
const DATA = START + 0x6000;

const INTERESTING = [0, 1, 2, 3, 15, 16, 17, 255, 256, 512, 513, 1024, 4096, 65535, 2 ** 31, 2 ** 32 - 1];
const TYPES = [0, 0, 0, 1, 1, 1, 4, 8, 10, 11, 11, 13, 13, 14, 2, 3, 0xffffffff];

/**
 * A guest that does whatever it likes to its rings, and knows which bytes it allowed the device to write. Nothing it does may
 * throw, hang, or change any other byte.
 */
export class HostileGuest {
  readonly device: VirtioBlockDevice;
  readonly driver: ScriptedDriver = new ScriptedDriver(256 * 1024);
  /** How often the device needed a reset, and how many requests came as far as the driver. */
  broken = 0;
  readonly #bytes: Uint8Array = new Uint8Array(SIZE + TAIL).fill(0xc5);
  readonly #view: DataView = new DataView(this.#bytes.buffer);
  readonly #shadow: Uint8Array = this.#bytes.slice();
  readonly #words: Int32Array = new Int32Array(this.#bytes.buffer);
  readonly #shadowWords: Int32Array = new Int32Array(this.#shadow.buffer);
  /** 1: the device may write here. */
  readonly #allowed: Uint8Array = new Uint8Array(SIZE + TAIL);
  readonly #settings: QueueSettings;
  readonly #packed: boolean;
  readonly #random: Random;
  readonly #turns: (() => void)[] = [];
  /** How much less often anything is odd: a guest that is never right gets nowhere. */
  readonly #calm: number;
  #available = 0;
  #wrap = 1;

  constructor(seed: number, packed: boolean, dataPath: "direct" | "copy") {
    this.#random = createRandom(seed);
    this.#packed = packed;
    this.#calm = 4 ** this.#below(4);
    this.#settings = {
      size: QUEUE_SIZE,
      descriptorArea: START,
      driverArea: START + 0x800,
      deviceArea: START + 0xc00,
    };
    const memory = new GuestMemory([{ guestAddress: START, size: SIZE, windows: [this.#bytes.buffer] }]);
    this.device = createVirtioBlockDevice({
      driver: this.driver,
      clock: createVirtualClock(),
      memory,
      writable: true,
      dataPath,
      onInterrupt: () => {},
      onBroken: () => {
        this.broken += 1;
      },
      defer: (callback) => this.#turns.push(callback),
      yieldTurn: (callback) => this.#turns.push(callback),
    });
    this.#restart();
  }

  /** Some rubbish, a kick, and what follows from it. @throws Error if anything is as it must not be. */
  round(): void {
    for (let count = this.#below(4); count >= 0; count -= 1) this.#makeAvailable();
    if (this.#packed) this.#allowPacked();
    this.driver.hold = this.#below(3) === 0;
    this.device.kick(0);
    this.#run();
    while (this.driver.held.length > 0 && this.#below(4) > 0) {
      this.driver.complete(this.#below(this.driver.held.length), this.#below(5) === 0 ? "EIO" : undefined);
    }
    this.#run();
    if (this.#below(8) === 0) this.device.writeConfig(this.#below(70), new Uint8Array(this.#below(9)).fill(1));
    this.#check();
    if ((this.device.status & 64) !== 0 || this.#below(12) === 0) this.#restart();
  }

  /** No byte but those that a descriptor allows, or that are the device's part of the ring. */
  #check(): void {
    const [bytes, shadow, allowed] = [this.#bytes, this.#shadow, this.#allowed];
    const [words, shadowWords] = [this.#words, this.#shadowWords];
    for (let word = 0; word < words.length; word += 1) {
      if (words[word] === shadowWords[word]) continue;
      for (let at = 4 * word; at < 4 * word + 4; at += 1) {
        if (bytes[at] === shadow[at] || allowed[at] === 1) continue;
        throw new Error(`byte ${at} of guest memory was written`);
      }
    }
  }

  #restart(): void {
    if (this.#below(2) === 0) this.device.reset();
    else void this.device.stopQueue(0, { putBack: this.#below(2) === 0 && !this.#packed });
    this.#check();
    this.device.reset();
    this.driver.completeAll();
    this.#run();
    this.#check();
    this.#allowed.fill(0);
    this.#bytes.fill(0, 0, 0x1000);
    this.#shadow.set(this.#bytes);
    this.#available = 0;
    this.#wrap = 1;
    // The device's part, and the available ring, where putBack writes.
    if (this.#packed) this.#allow(START, 16 * QUEUE_SIZE);
    else this.#allow(START + 0x800, 6 + 2 * QUEUE_SIZE);
    this.#allow(START + 0xc00, 6 + 8 * QUEUE_SIZE);
    let features = VirtioFeature.VERSION_1 | (this.#packed ? VirtioFeature.RING_PACKED : 0n);
    if (this.#below(4) > 0) features |= VirtioFeature.INDIRECT_DESC;
    if (this.#below(2) === 0) features |= VirtioFeature.EVENT_IDX;
    if (this.#below(2) === 0) features |= this.device.offeredFeatures & 0xffffffn;
    if (!this.device.negotiate(features)) throw new Error("the features were refused");
    this.device.startQueue(0, this.#settings);
    this.#run();
  }

  #run(): void {
    for (let turns = 0; this.#turns.length > 0; turns += 1) {
      if (turns > 10_000) throw new Error("the device never rests");
      this.#turns.shift()?.();
    }
  }

  /** A request that is nearly right, in the table, and an entry of the ring for it, which is nearly right too. */
  #makeAvailable(): void {
    const parts = this.#parts();
    const indirect = this.#below(3) === 0;
    const table = TABLES + 16 * 32 * this.#below(8);
    if (indirect) for (const [at, part] of parts.entries()) this.#describe(table + 16 * at, part, at, parts.length, 0);
    const listed = indirect ? [{ address: table, length: 16 * parts.length, writable: false }] : parts;
    if (this.#packed) this.#listPacked(listed, indirect);
    else this.#listSplit(listed, indirect);
  }

  #listSplit(parts: readonly Part[], indirect: boolean): void {
    const head = this.#odd(this.#below(QUEUE_SIZE), 40);
    for (const [at, part] of parts.entries()) {
      const index = (head + at) % QUEUE_SIZE;
      this.#describe(START + 16 * index, part, head + at, head + parts.length, indirect ? 4 : 0);
    }
    this.#set16(START + 0x804 + 2 * (this.#available % QUEUE_SIZE), head);
    this.#available = this.#odd(this.#available + 1, 60) & 0xffff;
    this.#set16(START + 0x802, this.#available);
    this.#set16(START + 0x800, this.#below(2));
    this.#set16(START + 0x804 + 2 * QUEUE_SIZE, this.#below(65536));
  }

  #listPacked(parts: readonly Part[], indirect: boolean): void {
    for (const [at, part] of parts.entries()) {
      const address = START + 16 * this.#available;
      this.#describe(address, part, at, parts.length, indirect ? 4 : 0);
      const flags = this.#view.getUint16(address - START + 12, true);
      this.#set16(address + 12, this.#odd(this.#below(QUEUE_SIZE), 40));
      const ringFlags = this.#odd((flags & 7) | (this.#wrap === 1 ? 0x80 : 0x8000), 40);
      this.#set16(address + 14, ringFlags);
      this.#available += 1;
      if (this.#available === QUEUE_SIZE) {
        this.#available = 0;
        this.#wrap ^= 1;
      }
    }
    this.#set16(START + 0x800, this.#below(65536));
    this.#set16(START + 0x802, this.#below(4));
  }

  /** Header, data and status of a request, cut somehow. */
  #parts(): Part[] {
    const header = HEADERS + 64 * this.#below(64);
    this.#set32(header, this.#odd(TYPES[this.#below(TYPES.length)]!, 30));
    this.#set32(header + 8, this.#odd(this.#below(600), 20));
    this.#set32(header + 12, this.#below(20) === 0 ? this.#below(2 ** 32) : 0);
    // What follows in the same buffer may be taken for records.
    this.#set32(header + 16, this.#below(600));
    this.#set32(header + 20, 0);
    this.#set32(header + 24, this.#odd(8, 4));
    this.#set32(header + 28, this.#below(3));
    const data = DATA + 512 * this.#below(64);
    const parts: Part[] = [{ address: header, length: this.#odd(this.#below(3) === 0 ? 32 : 16, 30), writable: false }];
    for (let count = this.#below(4); count > 0; count -= 1) {
      parts.push({ address: data, length: this.#odd(512 * (1 + this.#below(8)), 12), writable: this.#below(2) === 0 });
    }
    parts.push({
      address: data + this.#below(4096),
      length: this.#odd(1, 20),
      writable: this.#below(30 * this.#calm) > 0,
    });
    return this.#below(10 * this.#calm) === 0
      ? parts
      : parts.toSorted((a, b) => Number(a.writable) - Number(b.writable));
  }

  /** Writes a descriptor, and notes what it allows. */
  #describe(at: number, part: Part, index: number, end: number, flags: number): void {
    const address = this.#odd(part.address, 60);
    const isLast = index === end - 1;
    let bits = flags | (part.writable ? 2 : 0) | (isLast ? 0 : 1);
    if (this.#below(60 * this.#calm) === 0) bits ^= 1 << this.#below(3);
    this.#set32(at, address);
    this.#set32(at + 4, this.#below(80 * this.#calm) === 0 ? this.#below(2 ** 32) : 0);
    this.#set32(at + 8, part.length);
    this.#set16(at + 12, bits);
    // In a table of a split ring the next is counted within the table, as it is in the ring.
    this.#set16(at + 14, this.#packed ? bits : this.#odd((index + 1) % (flags === 4 ? 65536 : QUEUE_SIZE), 60));
    if ((bits & 2) !== 0) this.#allowBuffer(address, part.length);
  }

  /** A chain may run on into entries that are left from before, also from the device. */
  #allowPacked(): void {
    for (let at = 0; at < 16 * QUEUE_SIZE; at += 16) {
      if ((this.#view.getUint16(at + 14, true) & 2) === 0) continue;
      this.#allowBuffer(this.#view.getUint32(at, true), this.#view.getUint32(at + 8, true));
    }
  }

  #allowBuffer(address: number, length: number): void {
    // What the device is told to write over rings and tables tells it next what else to write.
    if (address < HEADERS && address + length > START) this.#allow(START, SIZE);
    else this.#allow(address, length);
  }

  #allow(address: number, length: number): void {
    const from = Math.max(0, address - START);
    // Behind the end of memory nothing is allowed, whatever a descriptor says.
    this.#allowed.fill(1, Math.min(from, SIZE), Math.min(from + length, SIZE));
  }

  /** The value, or once in `chance` times another one. */
  #odd(value: number, chance: number): number {
    if (this.#below(chance * this.#calm) > 0) return value;
    const drawn = this.#below(INTERESTING.length + 2);
    if (drawn === INTERESTING.length) return value + 1;
    return INTERESTING[drawn] ?? START + SIZE - this.#below(600);
  }

  #set16(address: number, value: number): void {
    this.#view.setUint16(address - START, value, true);
    this.#shadow.set(this.#bytes.subarray(address - START, address - START + 2), address - START);
  }

  #set32(address: number, value: number): void {
    this.#view.setUint32(address - START, value, true);
    this.#shadow.set(this.#bytes.subarray(address - START, address - START + 4), address - START);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

interface Part {
  readonly address: number;
  readonly length: number;
  readonly writable: boolean;
}
