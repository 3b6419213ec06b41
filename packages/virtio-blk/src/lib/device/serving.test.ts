import { describe, expect, test } from "vitest";

import { VirtioBlkRequestType as Type } from "./request-type.ts";
import { TestDisk } from "./testing/test-disk.ts";

const READ = { type: Type.IN, inLength: 512 };

describe("a batch", () => {
  test("is published once, with one interrupt, when completions come from within submit", () => {
    const disk = new TestDisk();
    for (let at = 0; at < 10; at += 1) disk.guest.add(READ);
    disk.guest.kick(disk.device);
    expect(disk.interrupts).toEqual([0]);
    expect(disk.turns).toHaveLength(0);
    expect(disk.guest.collect()).toHaveLength(10);
  });

  test("of later completions is published at the end of the turn, with one interrupt", () => {
    const disk = new TestDisk();
    disk.driver.hold = true;
    for (let at = 0; at < 10; at += 1) disk.guest.add(READ);
    disk.guest.kick(disk.device);
    disk.driver.completeAll();
    expect([disk.turns.length, disk.guest.collect().length, disk.interrupts.length]).toEqual([1, 0, 0]);
    disk.run();
    expect([disk.guest.collect().length, disk.interrupts.length]).toEqual([10, 1]);
  });

  test("brings no interrupt that the driver did not ask for", () => {
    const disk = new TestDisk({ guest: { eventIdx: true } });
    disk.read(0);
    disk.interrupts.length = 0;
    disk.guest.queue.enableInterrupts(2);
    disk.read(0);
    disk.read(0);
    expect(disk.interrupts).toEqual([]);
    disk.read(0);
    expect(disk.interrupts).toEqual([0]);
  });
});

test("the device asks for kicks again before it rests, and sees what came meanwhile", () => {
  const disk = new TestDisk();
  disk.driver.hold = true;
  let left = 5;
  disk.driver.onSubmit = () => {
    // The guest is quick: it makes the next available before it could know that a kick is needed.
    if (left-- > 0) {
      disk.guest.add(READ);
      disk.guest.queue.publish();
      expect(disk.guest.queue.needsKick()).toBe(false);
    }
  };
  disk.guest.ask(disk.device, READ);
  expect(disk.driver.held).toHaveLength(6);
  disk.guest.add(READ);
  disk.guest.queue.publish();
  expect(disk.guest.queue.needsKick()).toBe(true);
});

test("what comes while the device asks for kicks again is not lost", () => {
  for (const eventIdx of [false, true]) {
    const disk = new TestDisk({ guest: { eventIdx } });
    const { memory } = disk.guest.test;
    let late = 3;
    // The device wrote that it wants kicks, but the guest had looked just before.
    memory.onDirty = (address) => {
      const { deviceArea, size } = disk.guest.queue.settings;
      if (address !== deviceArea + (eventIdx ? 4 + 8 * size : 0) || late === 0) return;
      late -= 1;
      disk.guest.add(READ);
      disk.guest.queue.publish();
    };
    disk.guest.ask(disk.device, READ);
    disk.run();
    expect(disk.guest.collect()).toHaveLength(4);
  }
});

test("a defer that calls at once does no harm", () => {
  const disk = new TestDisk({ device: { defer: (callback) => callback() } });
  disk.driver.onSubmit = () => disk.device.kick(0);
  for (let at = 0; at < 5; at += 1) disk.guest.add(READ);
  disk.guest.kick(disk.device);
  expect([disk.guest.collect().length, disk.interrupts]).toEqual([5, [0]]);
});

test("a guest that keeps its queue full lets others have their turn", () => {
  const disk = new TestDisk({ guest: { size: 1024, slots: 400, slotBytes: 1024 } });
  let submitted = 0;
  disk.driver.onSubmit = () => {
    submitted += 1;
    disk.guest.collect();
    disk.guest.add(READ);
    disk.guest.queue.publish();
  };
  disk.driver.hold = false;
  disk.guest.ask(disk.device, READ);
  disk.device.kick(0);
  disk.device.kick(0);
  // What it used is published all the same.
  const first = submitted;
  expect(first).toBeLessThanOrEqual(256);
  expect(disk.yielded).toHaveLength(1);
  disk.yielded.shift()?.();
  expect(submitted).toBeGreaterThan(first);
});

test("requests from within an interrupt do not pile up on the stack", () => {
  let left = 100_000;
  let deepest = 0;
  let depth = 0;
  const disk = new TestDisk({
    device: {
      onInterrupt: () => {
        depth += 1;
        deepest = Math.max(deepest, depth);
        disk.guest.collect();
        if (left-- > 0) disk.guest.ask(disk.device, { type: Type.GET_ID });
        depth -= 1;
      },
    },
    guest: { slots: 1 },
  });
  left = 300;
  disk.guest.ask(disk.device, { type: Type.GET_ID });
  disk.run();
  expect([left, deepest]).toEqual([-1, 1]);
});

test("nothing is taken while the storage is congested, and all is when it is not any more", () => {
  let congested = true;
  const disk = new TestDisk({ device: { isCongested: () => congested } });
  disk.read(0);
  disk.guest.ask(disk.device, READ);
  disk.run();
  expect(disk.driver.log).toEqual([]);
  congested = false;
  disk.device.resume();
  disk.run();
  expect(disk.guest.collect()).toHaveLength(2);
});

test("what becomes congested half-way through goes on with the next completion, if nobody says so", () => {
  let held: unknown[] = [];
  const disk = new TestDisk({ device: { isCongested: () => held.length >= 2 } });
  ({ held } = disk.driver);
  disk.driver.hold = true;
  for (let at = 0; at < 7; at += 1) disk.guest.add(READ);
  disk.guest.kick(disk.device);
  let done = 0;
  while (disk.driver.held.length > 0) {
    expect(disk.driver.held.length).toBeLessThanOrEqual(2);
    disk.driver.completeAll();
    disk.run();
    done += disk.guest.collect().length;
  }
  expect(done).toBe(7);
});

test("a kick for a queue that is not started, or is none, is harmless", () => {
  const { device } = new TestDisk({ stopped: true });
  for (const index of [0, 1, -1, NaN, 2 ** 32]) device.kick(index);
  expect(device.status).toBe(0);
});

describe("what cannot be started is refused", () => {
  test("a queue that runs, is none, or is too long", () => {
    const disk = new TestDisk({ device: { maxQueueSize: 64 } });
    const { settings } = disk.guest.queue;
    expect(() => disk.device.startQueue(0, settings)).toThrow(expect.objectContaining({ code: "invalid" }));
    expect(() => disk.device.startQueue(1, settings)).toThrow(expect.objectContaining({ code: "invalid" }));
    disk.device.reset();
    const long = { ...settings, size: 128 };
    expect(() => disk.device.startQueue(0, long)).toThrow(expect.objectContaining({ code: "queue-size" }));
    expect(disk.device.status).toBe(0);
  });

  test("features that were not offered; what was agreed on stays", () => {
    const disk = new TestDisk();
    expect(disk.device.negotiate(0n)).toBe(false);
    disk.device.reset();
    expect(disk.device.negotiate(1n << 63n)).toBe(false);
    expect([disk.device.features, disk.device.status]).toEqual([0n, 0]);
  });

  test("another memory while a queue runs", () => {
    const disk = new TestDisk();
    expect(() => disk.device.setMemory(disk.guest.test.memory)).toThrow(expect.objectContaining({ code: "invalid" }));
    disk.device.reset();
    disk.device.setMemory(disk.guest.test.memory);
    expect(disk.device.memory).toBe(disk.guest.test.memory);
  });
});

test.each([
  { logicalBlockSize: 256 },
  { logicalBlockSize: 768 },
  { logicalBlockSize: 131072 },
  { numQueues: 0 },
  { numQueues: 257 },
  { maxQueueSize: 32769 },
  { segMax: 0 },
  { serial: "Größe" },
])("refuses options out of range: %o", (device) => {
  expect(() => new TestDisk({ device })).toThrow(RangeError);
});

test("refuses logical blocks below what the storage can do, and takes larger ones", () => {
  const declared = { requestAlignment: 4096 };
  expect(() => new TestDisk({ declared, device: { logicalBlockSize: 512 } })).toThrow("request alignment of 4096");
  const { device } = new TestDisk({ device: { logicalBlockSize: 4096 } });
  expect(new DataView(device.readConfig(20, 4).buffer).getUint32(0, true)).toBe(4096);
});
