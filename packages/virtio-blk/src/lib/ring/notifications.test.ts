import fc from "fast-check";
import { expect, test } from "vitest";

import { createDriverQueue, createTestMemory, driverQueueBytes, type DriverQueue } from "../../testing/index.ts";
import { createVirtqueue } from "./create-virtqueue.ts";
import { DescriptorChain } from "./descriptor-chain.ts";
import { needEvent } from "./need-event.ts";
import { packedEventWanted } from "./packed-areas.ts";
import type { Virtqueue } from "./virtqueue.ts";

interface Pair {
  readonly driver: DriverQueue;
  readonly device: Virtqueue;
  readonly data: number;
  readonly dirty: [address: number, length: number][];
}

function pairOf(packed: boolean, eventIdx: boolean, size = 8): Pair {
  const { memory, allocate } = createTestMemory(65536);
  const options = { size, packed, eventIdx };
  const driver = createDriverQueue(memory, { ...options, address: allocate(driverQueueBytes(options)) });
  const dirty: [number, number][] = [];
  memory.onDirty = (address, length) => dirty.push([address, length]);
  return { driver, device: createVirtqueue(memory, driver.settings, driver.features), data: allocate(16), dirty };
}

function lend({ driver, data }: Pair, count = 1): void {
  for (let i = 0; i < count; i++) driver.add([{ address: data, length: 16, writable: true }]);
  driver.publish();
}

/** The device takes and gives back all there is. */
function serve({ device }: Pair): boolean {
  const chain = new DescriptorChain();
  while (device.pop(chain)) device.push(chain, 1);
  return device.publish();
}

const forms = [
  { packed: false, eventIdx: false },
  { packed: false, eventIdx: true },
  { packed: true, eventIdx: false },
  { packed: true, eventIdx: true },
];

test("an event is needed if its entry is among those that were published", () => {
  fc.assert(
    fc.property(fc.nat(65535), fc.nat(65535), fc.nat(300), (event, before, count) => {
      let passed = false;
      for (let i = 0; i < count; i++) passed ||= ((before + i) & 0xffff) === event;
      expect(needEvent(event, (before + count) & 0xffff, before)).toBe(passed);
      expect(needEvent((before + (event % 400)) & 0xffff, (before + count) & 0xffff, before)).toBe(event % 400 < count);
    }),
  );
});

test("a packed event is needed if its entry was stepped over in its round", () => {
  const entries = fc.integer({ min: 1, max: 40 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(2 * size - 1)));
  fc.assert(
    fc.property(entries, fc.nat(200), fc.nat(40), ([size, at], event, steps) => {
      const advanced = Math.min(steps, size);
      const wrap = at >= size ? 0 : 1;
      // Two rounds make a circle; the event is one place on it.
      const [offset, eventWrap] = [event % size, (event >> 3) & 1];
      let passed = false;
      for (let i = 1; i <= advanced; i++) {
        const place = (at - i + 2 * size) % (2 * size);
        passed ||= place % size === offset && (place >= size ? 0 : 1) === eventWrap;
      }
      const word = offset | (eventWrap << 15) | (2 << 16);
      expect(packedEventWanted(word, at % size, wrap, advanced, size, true)).toBe(passed);
      expect(packedEventWanted(word, at % size, wrap, advanced, size, false)).toBe(true);
    }),
  );
  expect(packedEventWanted(0, 0, 1, 1, 8, true)).toBe(true);
  expect(packedEventWanted(1 << 16, 0, 1, 1, 8, true)).toBe(false);
});

test.each(forms)("nothing pushed wants no interrupt, the first that is pushed does: %o", ({ packed, eventIdx }) => {
  const pair = pairOf(packed, eventIdx);
  expect(pair.device.publish()).toBe(false);
  // Far ahead: without the rule of the first one none would be wanted.
  pair.driver.enableInterrupts(5);
  lend(pair);
  expect(serve(pair)).toBe(true);
  lend(pair);
  expect(serve(pair)).toBe(!eventIdx);
});

test.each(forms)("a driver that wants no interrupts gets none, and asks again: %o", ({ packed, eventIdx }) => {
  const pair = pairOf(packed, eventIdx);
  lend(pair);
  serve(pair);
  pair.driver.collect();
  pair.driver.disableInterrupts();
  lend(pair, 2);
  expect(serve(pair)).toBe(false);
  expect(pair.driver.enableInterrupts()).toBe(true);
  pair.driver.collect();
  pair.driver.collect();
  expect(pair.driver.enableInterrupts()).toBe(false);
  lend(pair);
  expect(serve(pair)).toBe(true);
});

test.each(forms)("a device that wants no kicks gets none, and looks again when it does: %o", ({ packed, eventIdx }) => {
  const pair = pairOf(packed, eventIdx);
  lend(pair);
  expect(pair.driver.needsKick()).toBe(true);
  pair.device.disableKicks();
  serve(pair);
  lend(pair);
  expect(pair.driver.needsKick()).toBe(false);
  expect(pair.device.enableKicks()).toBe(true);
  serve(pair);
  expect(pair.device.enableKicks()).toBe(false);
  lend(pair);
  expect(pair.driver.needsKick()).toBe(true);
});

test.each(forms)("the dirty log hears of every byte that the device wrote: %o", ({ packed, eventIdx }) => {
  const pair = pairOf(packed, eventIdx);
  const { settings } = pair.driver;
  lend(pair, 2);
  serve(pair);
  pair.device.disableKicks();
  pair.device.enableKicks();
  const { descriptorArea: descriptors, deviceArea: used } = settings;
  const events = packed ? [used, 4] : eventIdx ? [used + 4 + 64, 2] : [used, 2];
  const entries = packed
    ? [
        [descriptors, 16],
        [descriptors + 16, 16],
      ]
    : [
        [used + 4, 8],
        [used + 12, 8],
        [used + 2, 2],
      ];
  // The first is the wish for kicks at the start.
  expect(pair.dirty).toEqual([events, ...entries, ...(eventIdx ? [events] : [events, events])]);
});

test("the used ring is logged where it is said to be", () => {
  const { driver } = pairOf(false, false);
  const { memory, allocate } = createTestMemory(65536);
  const address = allocate(driverQueueBytes(driver));
  const other = createDriverQueue(memory, { size: 8, address });
  const device = createVirtqueue(memory, { ...other.settings, usedLogAddress: 0x5000 });
  const dirty: number[][] = [];
  memory.onDirty = (from, length) => dirty.push([from, length]);
  other.add([{ address, length: 1, writable: true }]);
  other.publish();
  const chain = new DescriptorChain();
  device.pop(chain);
  device.push(chain, 1);
  device.publish();
  expect(dirty).toEqual([
    [0x5004, 8],
    [0x5002, 2],
  ]);
});

test.each(forms)(
  "a ring whose memory goes away is a fault, one that comes back in time is none: %o",
  ({ packed, eventIdx }) => {
    const { memory, allocate, start } = createTestMemory(65536);
    const options = { size: 8, packed, eventIdx };
    const driver = createDriverQueue(memory, { ...options, address: allocate(driverQueueBytes(options)) });
    const device = createVirtqueue(memory, driver.settings, driver.features);
    driver.add([{ address: start, length: 1, writable: true }]);
    driver.publish();
    const [region] = memory.regions;
    if (region === undefined) throw new Error("no region");
    memory.removeRegion(region);
    memory.addRegion({ ...region, windows: region.windows.map((window) => window.slice(0)) });
    const chain = new DescriptorChain();
    expect(device.pop(chain)).toBe(true);
    device.push(chain, 1);
    memory.removeRegion({ guestAddress: start, size: 65536 });
    expect(device.publish()).toBe(false);
    expect(device.fault).toMatch(/is not in guest memory/u);
  },
);
