import fc from "fast-check";
import { expect, test } from "vitest";

import {
  createDriverQueue,
  createTestMemory,
  type DriverBuffer,
  driverQueueBytes,
  type DriverQueue,
  type TestMemory,
} from "../../testing/index.ts";
import { createVirtqueue } from "./create-virtqueue.ts";
import { DescriptorChain } from "./descriptor-chain.ts";
import type { Virtqueue } from "./virtqueue.ts";

/** How a chain looks: bytes of its readable and writable buffers, and how many are in the ring itself. */
interface Shape {
  readonly readable: readonly number[];
  readonly writable: readonly number[];
  readonly direct: number;
}

type Step =
  | { readonly do: "add"; readonly shapes: readonly Shape[] }
  | { readonly do: "serve"; readonly pops: number; readonly choices: readonly number[] }
  | { readonly do: "collect" };

const DATA = 1 << 20;

const shape: fc.Arbitrary<Shape> = fc
  .record({
    readable: fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 4 }),
    writable: fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 4 }),
    direct: fc.nat(8),
  })
  .filter(({ readable, writable }) => readable.length + writable.length > 0);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("add" as const), shapes: fc.array(shape, { maxLength: 6 }) }),
  fc.record({ do: fc.constant("serve" as const), pops: fc.nat(8), choices: fc.array(fc.nat(99), { maxLength: 8 }) }),
  fc.record({ do: fc.constant("collect" as const) }),
);

/** A driver and a device that sleep until the other wakes them, and what both should know. */
class Pair {
  readonly driver: DriverQueue;
  readonly device: Virtqueue;
  readonly packed: boolean;
  readonly #arena: TestMemory;
  /** Chains that the driver lent, and what the device said to have written of those it is through with. */
  readonly lent: Map<number, readonly DriverBuffer[]> = new Map();
  readonly written: Map<number, number> = new Map();
  readonly #taken: DescriptorChain[] = [];
  readonly #order: number[] = [];
  kicked = false;
  interrupted = false;
  deviceSleeps = true;
  completed = 0;
  #cursor = 0;

  constructor(size: number, packed: boolean, eventIdx: boolean, tableEntries: number) {
    this.#arena = createTestMemory(DATA + 65536);
    const options = { size, packed, eventIdx, tableEntries };
    const address = this.#arena.allocate(driverQueueBytes(options));
    this.driver = createDriverQueue(this.#arena.memory, { ...options, address });
    this.device = createVirtqueue(this.#arena.memory, this.driver.settings, this.driver.features);
    this.packed = packed;
  }

  add(shapes: readonly Shape[]): void {
    for (const { readable, writable, direct } of shapes) {
      const lengths = [...readable, ...writable];
      const buffers = lengths.map((length, i) => {
        this.#cursor = (this.#cursor + 4096 + length) % (DATA / 2);
        return { address: this.#arena.end - 8192 - this.#cursor, length, writable: i >= readable.length };
      });
      const token = this.driver.add(buffers, this.#direct(buffers.length, direct));
      if (token === -1) continue;
      same(this.lent.has(token), false);
      this.lent.set(token, buffers);
      this.#order.push(token);
    }
    this.driver.publish();
    if (this.driver.needsKick()) this.kicked = true;
  }

  #direct(count: number, wish: number): number {
    if (this.driver.features.indirect !== true) return count;
    if (this.packed) return wish % 2 === 0 ? 0 : count;
    return Math.min(count, wish);
  }

  /** The device takes some chains, gives some back in any order, and goes to sleep if there was nothing more. */
  serve(pops: number, choices: readonly number[]): void {
    if (this.kicked) this.deviceSleeps = false;
    this.kicked = false;
    if (this.deviceSleeps) return this.giveBack(choices);
    this.device.disableKicks();
    for (let i = 0; i < pops; i++) {
      if (this.take()) continue;
      if (this.device.enableKicks()) continue;
      this.deviceSleeps = true;
      break;
    }
    return this.giveBack(choices);
  }

  take(): boolean {
    const chain = new DescriptorChain();
    if (!this.device.pop(chain)) return false;
    same(chain.id, this.#order.shift());
    const buffers = this.lent.get(chain.id) ?? [];
    same(chain.parts, buffers.length);
    for (const [i, buffer] of buffers.entries()) {
      same(chain.addresses[i], buffer.address);
      same(chain.lengths[i], buffer.length);
      same(i >= chain.readableParts, buffer.writable);
    }
    const readable = buffers.slice(0, chain.readableParts);
    same(chain.readableLength, sum(readable));
    same(chain.writableLength, sum(buffers) - sum(readable));
    this.#taken.push(chain);
    same(this.device.inFlight, this.#taken.length);
    return true;
  }

  giveBack(choices: readonly number[]): void {
    for (const choice of choices) {
      const [chain] = this.#taken.splice(choice % Math.max(1, this.#taken.length), 1);
      if (chain === undefined) break;
      const written = choice % (chain.writableLength + 1);
      this.written.set(chain.id, written);
      this.device.push(chain, written);
    }
    if (this.device.publish()) this.interrupted = true;
  }

  collect(): void {
    this.interrupted = false;
    do {
      for (let used = this.driver.collect(); used !== null; used = this.driver.collect()) {
        same(used.written, this.written.get(used.token));
        same(this.lent.delete(used.token), true);
        this.written.delete(used.token);
        this.completed++;
      }
    } while (this.driver.enableInterrupts());
  }

  /** Runs both, each only when the other woke it, until nobody does any more. */
  settle(): void {
    const all = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    while (this.kicked || !this.deviceSleeps || this.#taken.length > 0 || this.interrupted) {
      if (this.kicked || !this.deviceSleeps || this.#taken.length > 0) this.serve(16, all);
      if (this.interrupted) this.collect();
    }
  }
}

/** As `expect(a).toBe(b)`, which is slow where it is asked a million times. */
function same(actual: unknown, expected: unknown): void {
  if (actual !== expected) expect(actual).toBe(expected);
}

function sum(buffers: readonly DriverBuffer[]): number {
  return buffers.reduce((total, buffer) => total + buffer.length, 0);
}

const forms = [
  { packed: false, eventIdx: false },
  { packed: false, eventIdx: true },
  { packed: true, eventIdx: false },
  { packed: true, eventIdx: true },
];

test.each(forms)("any chains in any order come back once, and nobody sleeps for ever: %o", ({ packed, eventIdx }) => {
  const sizes = packed ? fc.integer({ min: 1, max: 40 }) : fc.constantFrom(1, 2, 4, 8, 16, 32, 64);
  fc.assert(
    fc.property(sizes, fc.constantFrom(0, 8), fc.array(step, { maxLength: 60 }), (size, tableEntries, steps) => {
      const pair = new Pair(size, packed, eventIdx, tableEntries);
      for (const now of steps) {
        if (now.do === "add") pair.add(now.shapes);
        else if (now.do === "serve") pair.serve(now.pops, now.choices);
        else if (pair.interrupted) pair.collect();
      }
      pair.settle();
      expect(pair.device.fault).toBe(null);
      expect(pair.lent.size).toBe(0);
      expect(pair.driver.free).toBe(size);
    }),
    { numRuns: 300 },
  );
});

test.each(forms)("indexes and wrap counters go round: %o", ({ packed, eventIdx }) => {
  const pair = new Pair(packed ? 7 : 8, packed, eventIdx, 2);
  const shapes = [
    { readable: [16], writable: [1], direct: 2 },
    { readable: [16, 8], writable: [], direct: 0 },
    { readable: [], writable: [3], direct: 1 },
  ];
  for (let round = 0; pair.completed < 70_000; round++) {
    // Whoever waits for ever fails here rather than there.
    if (round === 200_000) throw new Error(`${pair.completed} chains only`);
    pair.add(shapes.slice(0, 1 + (round % 3)));
    pair.serve(4, [round % 5, 0, 1, 2]);
    if (pair.interrupted) pair.collect();
  }
  pair.settle();
  expect(pair.device.fault).toBe(null);
  expect(pair.lent.size).toBe(0);
});
