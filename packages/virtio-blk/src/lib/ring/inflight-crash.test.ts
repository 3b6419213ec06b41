import { createRandom } from "@rehandle/driver-sdk";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { createDriverQueue, createTestMemory, driverQueueBytes } from "../../testing/index.ts";
import { createVirtqueue } from "./create-virtqueue.ts";
import { DescriptorChain } from "./descriptor-chain.ts";
import { inflightBytes, InflightBytes } from "./inflight-bytes.ts";
import type { QueuePosition, Virtqueue } from "./virtqueue.ts";

/** The process dies here. */
class Killed extends Error {}

/** Stores that the device may still make before it is killed; infinite while the driver runs. */
let storesLeft = Number.POSITIVE_INFINITY;
let storesMade = 0;

function countStore(): void {
  if (storesLeft === Number.POSITIVE_INFINITY) return;
  if (storesLeft === 0) throw new Killed();
  storesLeft--;
  storesMade++;
}

// No mocks of vitest: they remember every call.
const methods = Object.getOwnPropertyDescriptors(InflightBytes.prototype);
const { store } = Atomics;

beforeAll(() => {
  for (const name of ["set8", "set16", "set32", "set64"] as const) {
    const store: unknown = methods[name].value;
    Object.defineProperty(InflightBytes.prototype, name, {
      ...methods[name],
      value(this: InflightBytes, ...stored: number[]): void {
        countStore();
        if (typeof store === "function") Reflect.apply(store, this, stored);
      },
    });
  }
  Object.assign(Atomics, {
    store(...stored: Parameters<typeof Atomics.store>): unknown {
      countStore();
      return store(...stored);
    },
  });
});

afterEach(() => {
  storesLeft = Number.POSITIVE_INFINITY;
});

afterAll(() => {
  Object.defineProperties(InflightBytes.prototype, methods);
  Object.assign(Atomics, { store });
});

/** A chain that the driver lent. */
interface Lent {
  readonly serial: number;
  readonly address: number;
}

/** A guest that lives on while the process that serves it is killed and started again. */
class Guest {
  readonly #arena = createTestMemory(16384);
  readonly #driver;
  readonly #random;
  readonly #packed: boolean;
  readonly #inflight: Uint8Array;
  readonly #data: number;
  readonly #lent: Map<number, Lent> = new Map();
  #device: Virtqueue | null = null;
  #taken: { chain: DescriptorChain; serial: number }[] = [];
  #serial = 0;
  /** The newest that this process popped: pops come in the order of the ring, those of an earlier process first. */
  #newest = -1;
  #position: QueuePosition | undefined = undefined;

  constructor(seed: number, packed: boolean, size: number) {
    this.#random = createRandom(seed);
    this.#packed = packed;
    const options = { size, packed, eventIdx: seed % 2 === 0, tableEntries: 4 };
    const address = this.#arena.allocate(driverQueueBytes(options));
    this.#driver = createDriverQueue(this.#arena.memory, { ...options, address });
    this.#inflight = new Uint8Array(inflightBytes(size, packed));
    this.#data = this.#arena.allocate(8192);
  }

  #chance(of: number): number {
    return Math.floor(this.#random() * of);
  }

  /** Runs `turns` turns; the process is killed after so many stores, each number once. Returns how many stores were made. */
  run(turns: number, kills: readonly number[]): number {
    const left = [...kills];
    storesMade = 0;
    let budget = left.shift() ?? 1e9;
    for (let turn = 0; turn < turns + 3; turn++) {
      const last = turn >= turns;
      if (!last) this.#lend();
      storesLeft = budget;
      try {
        this.#serve(last);
        budget = storesLeft;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        budget = left.shift() ?? 1e9;
        this.#device = null;
        // The driver goes on meanwhile, or it does not.
        storesLeft = Number.POSITIVE_INFINITY;
        if (this.#chance(2) === 0) {
          this.#collect();
          if (!last) this.#lend();
        }
        if (last) turn = turns - 1;
      }
      storesLeft = Number.POSITIVE_INFINITY;
      if (this.#chance(3) > 0) this.#collect();
    }
    this.#collect();
    const lost = [...this.#lent.values()].map((lent) => lent.serial);
    const fault = this.#device?.fault ?? null;
    if (fault !== null || lost.length > 0) throw new Error(`fault ${fault}, lost ${lost.join(" ")}`);
    if (this.#driver.free !== this.#driver.size) throw new Error("the driver did not get all entries back");
    return storesMade;
  }

  #lend(): void {
    for (let i = this.#chance(4); i > 0; i--) {
      const serial = this.#serial;
      const address = this.#data + 16 * serial;
      const count = 1 + this.#chance(Math.min(4, this.#driver.size));
      const buffers = Array.from({ length: count }, (_, i) => ({ address: address + i, length: 1, writable: i > 0 }));
      const token = this.#driver.add(buffers, this.#chance(3) === 0 ? 0 : count);
      if (token === -1) break;
      this.#lent.set(token, { serial, address });
      this.#serial++;
    }
    this.#driver.publish();
  }

  #serve(everything: boolean): void {
    const device = (this.#device ??= this.#start());
    for (let i = everything ? 99 : this.#chance(5); i > 0; i--) if (!this.#take(device)) break;
    if (!everything && !this.#packed && this.#chance(6) === 0) {
      device.publish();
      device.putBack(this.#taken.toSorted((a, b) => a.serial - b.serial).map(({ chain }) => chain));
      this.#position = device.position;
      this.#device = null;
      return;
    }
    for (let batches = everything ? 99 : this.#chance(3); batches > 0 && this.#taken.length > 0; batches--) {
      for (let i = 1 + this.#chance(3); i > 0 && this.#taken.length > 0; i--) {
        const [taken] = this.#taken.splice(this.#chance(this.#taken.length), 1);
        if (taken !== undefined) device.push(taken.chain, taken.chain.writableLength);
      }
      device.publish();
    }
    if (this.#chance(4) === 0) device.enableKicks();
  }

  #start(): Virtqueue {
    this.#taken = [];
    this.#newest = -1;
    // After a kill nobody knows where the device stood; QEMU says the used index then. Here it is plain wrong.
    const position = this.#position ?? { available: 1, availableWrap: 1, used: 0, usedWrap: 0 };
    this.#position = undefined;
    const settings = { ...this.#driver.settings, inflight: this.#inflight };
    if (this.#inflight[8] !== 0) Object.assign(settings, { position });
    return createVirtqueue(this.#arena.memory, settings, this.#driver.features);
  }

  #take(device: Virtqueue): boolean {
    const chain = new DescriptorChain();
    if (!device.pop(chain)) return false;
    const left = storesLeft;
    storesLeft = Number.POSITIVE_INFINITY;
    this.#collect();
    storesLeft = left;
    const lent = this.#lent.get(chain.id);
    // What the driver has back is never handed out, and neither is anything twice.
    if (chain.addresses[0] !== lent?.address) throw new Error(`buffer ${chain.id} was popped, which is not lent`);
    const serial = lent?.serial ?? -1;
    if (serial <= this.#newest) throw new Error(`${serial} was popped after ${this.#newest}`);
    this.#newest = serial;
    this.#taken.push({ chain, serial });
    return true;
  }

  #collect(): void {
    for (let used = this.#driver.collect(); used !== null; used = this.#driver.collect()) this.#lent.delete(used.token);
  }
}

const forms = [
  { packed: false, size: 4 },
  { packed: false, size: 16 },
  { packed: true, size: 3 },
  { packed: true, size: 5 },
  { packed: true, size: 16 },
];

test.each(forms)(
  "a process that is killed at any store loses nothing and completes nothing twice: %o",
  ({ packed, size }) => {
    let stores = 0;
    for (let seed = 0; seed < 12; seed++) {
      const total = new Guest(seed, packed, size).run(12, []);
      for (let kill = 0; kill < total; kill++) new Guest(seed, packed, size).run(12, [kill, kill % 13, kill % 7]);
      stores += total;
    }
    expect(stores).toBeGreaterThan(500);
  },
);
