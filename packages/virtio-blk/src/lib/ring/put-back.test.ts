import { expect, test } from "vitest";

import { createDriverQueue, createTestMemory, driverQueueBytes } from "../../testing/index.ts";
import { VirtioError } from "../virtio-error.ts";
import { createVirtqueue } from "./create-virtqueue.ts";
import { DescriptorChain } from "./descriptor-chain.ts";
import { inflightBytes } from "./inflight-bytes.ts";
import type { Virtqueue } from "./virtqueue.ts";

function popAll(device: Virtqueue, count = 99): DescriptorChain[] {
  const chains: DescriptorChain[] = [];
  for (let chain = new DescriptorChain(); chains.length < count && device.pop(chain); chain = new DescriptorChain()) {
    chains.push(chain);
  }
  return chains;
}

function ids(chains: readonly DescriptorChain[]): number[] {
  return chains.map((chain) => chain.id);
}

function queueWith(count: number, packed = false) {
  const { memory, allocate } = createTestMemory(65536);
  const options = { size: 8, packed };
  const driver = createDriverQueue(memory, { ...options, address: allocate(driverQueueBytes(options)) });
  const data = allocate(16);
  const lend = (): number => {
    const token = driver.add([{ address: data, length: 16, writable: true }]);
    driver.publish();
    return token;
  };
  for (let i = 0; i < count; i++) lend();
  const inflight = new Uint8Array(inflightBytes(8, packed));
  const settings = { ...driver.settings, inflight };
  return { memory, driver, lend, settings, inflight, device: createVirtqueue(memory, settings, driver.features) };
}

test("what is put back is there for a device that knows the position only", () => {
  const { memory, driver, settings, device, lend } = queueWith(6);
  const chains = popAll(device, 5);
  const [a, b, c, d, e] = chains;
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
    throw new Error("five");
  // They completed out of order, so that their slots are not the ones that are rewritten.
  device.push(d, 0);
  device.push(a, 0);
  device.publish();
  expect(device.putBack([b, c, e])).toBe(true);
  expect(device.inFlight).toBe(0);
  expect(device.position).toMatchObject({ available: 2, used: 2 });
  // The driver takes what is done and reuses both heads.
  expect(driver.collect()?.token).toBe(d.id);
  expect(driver.collect()?.token).toBe(a.id);
  const reused = [lend(), lend()];
  const { inflight: _, ...elsewhere } = settings;
  const next = createVirtqueue(memory, { ...elsewhere, position: device.position }, driver.features);
  expect(ids(popAll(next))).toEqual([...ids([b, c, e]), 5, ...reused]);
});

test("what is put back goes on in the same device, and on the same inflight region", () => {
  const { memory, driver, settings, device } = queueWith(4);
  const chains = popAll(device);
  expect(device.putBack(chains.slice(2))).toBe(true);
  expect(device.inFlight).toBe(2);
  expect(ids(popAll(device))).toEqual(ids(chains.slice(2)));
  expect(device.putBack(chains.slice(2))).toBe(true);
  const next = createVirtqueue(memory, settings, driver.features);
  // Two were never put back and come from the region, two from the ring, none twice.
  expect(ids(popAll(next))).toEqual(ids(chains));
  expect(next.fault).toBe(null);
});

test("what a start found and nobody popped goes back, too", () => {
  const { memory, driver, settings, device } = queueWith(5);
  const chains = popAll(device, 4);
  const second = createVirtqueue(memory, settings, driver.features);
  const [first] = popAll(second, 1);
  if (first === undefined) throw new Error("nothing to pop");
  expect(second.putBack([first])).toBe(true);
  expect(second.position.available).toBe(0);
  expect(second.enableKicks()).toBe(true);
  expect(ids(popAll(second))).toEqual([...ids(chains), 4]);
});

test("only what was popped can be put back or pushed", () => {
  const { device } = queueWith(2);
  const [first] = popAll(device);
  if (first === undefined) throw new Error("nothing to pop");
  device.push(first, 0);
  expect(() => device.putBack([first])).toThrow(VirtioError);
  expect(() => device.push(first, 0)).toThrow(VirtioError);
  device.publish();
  expect(() => device.push(first, 0)).toThrow(VirtioError);
});

test("a packed ring has no way back", () => {
  const { device } = queueWith(2, true);
  const chains = popAll(device);
  const { position } = device;
  expect(device.putBack(chains)).toBe(false);
  expect(device.position).toEqual(position);
  expect(device.inFlight).toBe(2);
});
