import { expect, test } from "vitest";

import { createDriverQueue, createTestMemory, driverQueueBytes } from "../../testing/index.ts";
import { createVirtqueue } from "./create-virtqueue.ts";
import { DescriptorChain } from "./descriptor-chain.ts";

test("a chain goes to the device and back", () => {
  const { memory, allocate } = createTestMemory(65536);
  const options = { size: 8, tableEntries: 4, eventIdx: true };
  const driver = createDriverQueue(memory, { ...options, address: allocate(driverQueueBytes(options)) });
  const device = createVirtqueue(memory, driver.settings, driver.features);
  const chain = new DescriptorChain();
  expect(device.pop(chain)).toBe(false);

  const out = allocate(16);
  const data = allocate(512);
  const status = allocate(1);
  const token = driver.add([
    { address: out, length: 16, writable: false },
    { address: data, length: 512, writable: true },
    { address: status, length: 1, writable: true },
  ]);
  expect(device.pop(chain)).toBe(false);
  driver.publish();
  expect(driver.needsKick()).toBe(true);
  expect(device.pop(chain)).toBe(true);
  expect(chain.addresses.slice(0, 3)).toEqual([out, data, status]);
  expect(chain).toMatchObject({ parts: 3, readableParts: 1, readableLength: 16, writableLength: 513, id: token });
  expect(device.inFlight).toBe(1);
  device.push(chain, 513);
  expect(driver.collect()).toBe(null);
  expect(device.publish()).toBe(true);
  expect(driver.collect()).toEqual({ token, written: 513 });
  expect(driver.free).toBe(8);
});
