import { describe, expect, test } from "vitest";

import { VirtioBlkRequestType as Type } from "./request-type.ts";
import { TestDisk } from "./testing/test-disk.ts";
import { TestGuest } from "./testing/test-guest.ts";

/** Lets the guest hand in any buffers. */
function handIn(disk: TestDisk, ...buffers: { address: number; length: number; writable: boolean }[]): void {
  disk.guest.queue.add(buffers);
  disk.guest.kick(disk.device);
  disk.run();
}

describe.each([
  { name: "no header", readable: 0, writable: 1, reason: "0: virtio-blk missing headers" },
  { name: "no status", readable: 16, writable: 0, reason: "0: virtio-blk missing headers" },
  { name: "a short header", readable: 15, writable: 1, reason: "0: virtio-blk request outhdr too short" },
])("a request with $name", ({ readable, writable, reason }) => {
  const buffers = [
    { address: 0x20000, length: readable, writable: false },
    { address: 0x20100, length: writable, writable: true },
  ].filter(({ length }) => length > 0);

  test.each([false, true])("makes the device need a reset (packed %s)", (packed) => {
    const disk = new TestDisk({ guest: { packed } });
    handIn(disk, ...buffers);
    expect(disk.broken).toEqual([reason]);
    expect([disk.device.status, disk.configChanges, disk.interrupts]).toEqual([0x4f, 1, []]);
    expect(disk.guest.queue.collect()).toBeNull();
  });
});

test("until the reset nothing is popped or published, on no queue; what is under way may end", async () => {
  const disk = new TestDisk({ device: { numQueues: 2 }, guest: { slots: 8 } });
  const second = new TestGuest({ queue: 1, slots: 4, shared: disk.guest });
  disk.device.startQueue(1, second.queue.settings);
  disk.run();
  disk.driver.hold = true;
  disk.read(0);
  second.ask(disk.device, { type: Type.IN, inLength: 512 });
  handIn(disk, { address: 0x20000, length: 1, writable: true });
  expect(disk.device.status).toBe(0x4f);
  const before = disk.guest.snapshot();
  disk.driver.complete(0, "EIO");
  disk.driver.complete(0, "EIO");
  const submitted = disk.driver.log.length;
  second.ask(disk.device, { type: Type.IN, inLength: 512 });
  disk.read(0);
  disk.run();
  expect([disk.driver.log.length, disk.interrupts, second.collect()]).toEqual([submitted, [], []]);
  // But for the zeroes of the failed read, which is no status and no used entry.
  expect(disk.guest.snapshot().filter((byte, at) => byte !== before[at] && byte !== 0)).toHaveLength(0);
  expect(disk.configChanges).toBe(1);
  await disk.device.stopQueue(0);
  expect(() => disk.device.startQueue(0, disk.guest.queue.settings)).toThrow("needs a reset");
  disk.device.reset();
  expect(disk.device.status).toBe(0);
  disk.driver.hold = false;
  disk.guest.restart();
  disk.start();
  expect(disk.read(0).status).toBe(0);
});

test("where there is no reset, the stop of the last queue is one", async () => {
  const disk = new TestDisk();
  handIn(disk, { address: 0x20000, length: 1, writable: true });
  const { unfinished } = await disk.device.stopQueue(0);
  expect([unfinished, disk.device.status]).toEqual([1, 0x0b]);
  disk.guest.restart();
  disk.device.startQueue(0, disk.guest.queue.settings);
  expect(disk.read(0).status).toBe(0);
});

test("nothing of the batch with a malformed request is published", () => {
  const disk = new TestDisk();
  disk.guest.add({ type: Type.IN, inLength: 512 });
  handIn(disk, { address: 0x20000, length: 1, writable: true });
  expect(disk.device.status).toBe(0x4f);
  expect(disk.guest.collect()).toEqual([]);
});

test("memory that is taken away under a request makes the device need a reset", () => {
  const disk = new TestDisk();
  disk.driver.hold = true;
  disk.read(0);
  const { memory, start, end } = disk.guest.test;
  memory.removeRegion({ guestAddress: start, size: end - start });
  disk.driver.complete();
  disk.run();
  expect(disk.broken).toEqual(["0: virtio-blk status is not in guest memory"]);
});
