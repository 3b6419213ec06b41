import { describe, expect, test } from "vitest";

import { VirtioBlkRequestType as Type } from "./request-type.ts";
import type { AbandonBehaviour } from "./testing/scripted-driver.ts";
import { TestDisk } from "./testing/test-disk.ts";
import { CANARY, TestGuest } from "./testing/test-guest.ts";
import type { StoppedQueue } from "./virtio-block-device.ts";

/** A disk whose driver holds a read, a write and a flush. */
function busyDisk(abandoning: AbandonBehaviour = "detach", device: object = {}): TestDisk {
  const disk = new TestDisk({ device });
  disk.driver.hold = true;
  disk.driver.abandoning = abandoning;
  disk.read(0, 1024);
  disk.write(8, 1, 1024);
  disk.flush();
  return disk;
}

describe.each(["detach", "refuse", "cancel", "end-others"] as const)(
  "a reset, and the driver does: %s",
  (abandoning) => {
    test("ends at once, and nothing that completes later touches the guest", () => {
      const disk = busyDisk(abandoning);
      const before = disk.guest.snapshot();
      const interrupts = disk.interrupts.length;
      disk.device.reset();
      expect([disk.device.status, disk.device.features, disk.device.isStarted(0)]).toEqual([0, 0n, false]);
      expect(disk.driver.abandoned.map((request) => request.operation)).toEqual(
        // Once the driver ended the others by itself there is nothing to abandon.
        abandoning === "end-others" ? ["read"] : ["read", "write", "flush"],
      );
      // A driver that did not let go of a read may fill the buffer all the same; nothing else.
      if (abandoning !== "refuse") disk.driver.completeAll();
      else while (disk.driver.held.length > 0) disk.driver.complete(0, "EIO");
      disk.run();
      expect(disk.guest.changesSince(before)).toBe(0);
      expect(disk.interrupts).toHaveLength(interrupts);
      expect(disk.guest.collect()).toEqual([]);
      expect(disk.device.lingering).toEqual([]);
    });

    test("and the next driver of the guest finds a working device", () => {
      const disk = busyDisk(abandoning);
      disk.device.reset();
      disk.driver.completeAll();
      disk.driver.hold = false;
      disk.guest.restart();
      disk.start();
      expect(disk.write(4, 9).status).toBe(0);
      expect(disk.read(4).data[0]).toBe(9);
    });
  },
);

test("a reset touches no queue, although giving up on one ends what another has with the driver", () => {
  const disk = new TestDisk({ device: { numQueues: 2 }, guest: { slots: 8 } });
  const second = new TestGuest({ queue: 1, slots: 4, shared: disk.guest });
  disk.device.startQueue(1, second.queue.settings);
  disk.run();
  disk.driver.hold = true;
  disk.driver.abandoning = "end-others";
  disk.write(0, 1);
  second.ask(disk.device, { type: Type.IN, inLength: 512 });
  const before = second.snapshot();
  disk.device.reset();
  disk.run();
  expect([second.changesSince(before), disk.driver.held.length, second.collect()]).toEqual([0, 0, []]);
});

test("tells of no guest memory that the driver let go of, before the request came to its end", () => {
  const disk = busyDisk("detach");
  disk.device.reset();
  expect([disk.driver.held.length, disk.device.lingering]).toEqual([3, []]);
});

test("tells which parts of guest memory a driver did not let go of, until it did", () => {
  const disk = new TestDisk();
  disk.driver.hold = true;
  disk.driver.abandoning = "refuse";
  const read = disk.read(0, 1024);
  disk.write(8, 1, 512);
  disk.flush();
  disk.device.reset();
  const [first, second, ...more] = disk.device.lingering;
  expect([first?.writesMemory, second?.writesMemory, more]).toEqual([true, false, []]);
  expect(first?.iov.map((part) => [part.byteOffset + disk.guest.test.start, part.length])).toEqual([
    [read.writableAddress, 1024],
  ]);
  disk.driver.complete();
  expect(disk.device.lingering).toEqual([second]);
  disk.driver.completeAll();
  expect(disk.device.lingering).toEqual([]);
});

describe("a later request", () => {
  /** A disk that was reset while a write of sectors 8 and 9 was with the driver, and starts anew. */
  function afterReset(abandoning: AbandonBehaviour = "detach"): TestDisk {
    const disk = new TestDisk();
    disk.driver.hold = true;
    disk.driver.abandoning = abandoning;
    disk.write(8, 1, 1024);
    disk.device.reset();
    disk.guest.restart();
    disk.driver.hold = false;
    disk.start();
    return disk;
  }

  test.each(["detach", "refuse"] as const)("waits for a write that may still land there (%s)", (abandoning) => {
    const disk = afterReset(abandoning);
    const overlapping = [disk.write(9, 2), disk.read(8), disk.write(7, 3, 1024), disk.read(0, 8192)];
    const apart = [disk.write(10, 2), disk.read(7), disk.flush()];
    expect(apart.map((request) => request.done)).toEqual([true, true, true]);
    expect(overlapping.map((request) => request.done)).toEqual([false, false, false, false]);
    disk.driver.complete();
    disk.run();
    disk.guest.collect();
    expect(overlapping.map((request) => request.status)).toEqual([0, 0, 0, 0]);
    expect([disk.driver.disk[8 * 512], disk.driver.disk[9 * 512]]).toEqual([3, 2]);
  });

  test("waits for each of several, wherever they end", () => {
    const disk = new TestDisk();
    disk.driver.hold = true;
    for (const sector of [0, 10, 20, 30]) disk.write(sector, 1, 1024);
    disk.device.reset();
    disk.guest.restart();
    disk.driver.hold = false;
    disk.start();
    const all = disk.read(0, 16384);
    const two = disk.write(11, 2, 9 * 512 + 512);
    const done = (): boolean[] => [all.done, two.done];
    const end = (at: number): void => {
      disk.driver.complete(at);
      disk.run();
      disk.guest.collect();
    };
    // In the order 10, 30, 20, 0.
    end(1);
    expect(done()).toEqual([false, false]);
    end(2);
    expect(done()).toEqual([false, false]);
    end(1);
    expect(done()).toEqual([false, true]);
    end(0);
    expect(done()).toEqual([true, true]);
  });

  test("that waits for several is not forgotten if one ends while another is being freed", () => {
    const disk = new TestDisk();
    disk.driver.hold = true;
    disk.write(0, 1);
    disk.write(10, 1);
    disk.device.reset();
    disk.guest.restart();
    disk.driver.hold = false;
    disk.start();
    const both = [disk.read(0), disk.read(0, 8192)];
    disk.driver.onSubmit = () => {
      disk.driver.onSubmit = null;
      disk.driver.complete();
    };
    disk.driver.complete();
    disk.run();
    disk.guest.collect();
    expect(both.map((request) => request.done)).toEqual([true, true]);
  });

  test("that waits is given up with the next reset, and never sent", () => {
    const disk = afterReset();
    disk.write(8, 7);
    disk.device.reset();
    disk.driver.completeAll();
    disk.run();
    expect(disk.driver.log).toEqual(["write 4096+1024"]);
  });

  test("waits for zeroes and discards, not for reads and flushes", () => {
    const disk = new TestDisk();
    disk.driver.hold = true;
    disk.read(0, 512);
    disk.flush();
    disk.device.reset();
    disk.guest.restart();
    disk.driver.hold = false;
    disk.start();
    expect(disk.write(0, 1).done).toBe(true);
  });

  test("is not taken while too much was given up", () => {
    const disk = new TestDisk({ guest: { size: 1024, slots: 260, slotBytes: 1024 } });
    disk.driver.hold = true;
    disk.driver.abandoning = "refuse";
    let resets = 0;
    // A guest that fills its queue and resets, over and over.
    for (; resets < 100; resets += 1) {
      for (let at = 0; at < 256; at += 1) disk.guest.add({ type: Type.IN, inLength: 512 });
      disk.guest.kick(disk.device);
      disk.run();
      disk.device.reset();
      disk.guest.restart();
      disk.start();
    }
    expect(disk.driver.held).toHaveLength(16384);
    expect(disk.read(0).done).toBe(false);
    disk.driver.hold = false;
    disk.driver.completeAll();
    disk.run();
    expect(disk.guest.collect()).toHaveLength(1);
  });
});

describe("stopQueue", () => {
  test("waits for what is under way, and takes nothing new", async () => {
    const disk = busyDisk();
    let stopped: StoppedQueue | null = null;
    const stopping = disk.device.stopQueue(0, { patience: 1000 }).then((result) => (stopped = result));
    expect(disk.device.isStarted(0)).toBe(false);
    disk.write(50, 1);
    disk.driver.complete();
    disk.driver.complete();
    disk.run();
    expect(disk.guest.collect()).toHaveLength(2);
    await Promise.resolve();
    expect(stopped).toBeNull();
    disk.driver.complete();
    await stopping;
    expect(disk.clock.step()).toBe(false);
    // What it pushed last was published with the stop.
    expect(disk.guest.collect()).toHaveLength(1);
    expect(stopped).toMatchObject({ position: { available: 3 }, unfinished: 0 });
    expect(disk.driver.abandoned).toEqual([]);
    expect(disk.driver.log).not.toContain("write 25600+512");
  });

  test("gives up after its patience", async () => {
    const disk = busyDisk();
    const stopping = disk.device.stopQueue(0, { patience: 1000 });
    disk.driver.complete();
    disk.run();
    disk.clock.advance(999);
    expect(disk.driver.abandoned).toEqual([]);
    disk.clock.advance(1);
    expect(disk.driver.abandoned).toHaveLength(2);
    expect(await stopping).toMatchObject({ position: { available: 3 }, unfinished: 2 });
    disk.driver.completeAll();
    disk.run();
    expect(disk.guest.collect()).toHaveLength(1);
  });

  test("tells the dirty log what a read that is given up may have brought so far", () => {
    const disk = new TestDisk();
    disk.driver.hold = true;
    const read = disk.read(0, 1024);
    const dirty: string[] = [];
    disk.guest.test.memory.onDirty = (address, length) => dirty.push(`${address}+${length}`);
    void disk.device.stopQueue(0);
    expect(dirty).toEqual([`${read.writableAddress}+1024`]);
  });

  test("without patience has done all before it returns", async () => {
    const disk = busyDisk();
    const stopping = disk.device.stopQueue(0);
    expect(disk.driver.abandoned).toHaveLength(3);
    expect(await stopping).toMatchObject({ unfinished: 3 });
  });

  test("is hurried by a second call with less patience, and cut by a reset", async () => {
    const disk = busyDisk();
    const slow = disk.device.stopQueue(0, { patience: 60_000 });
    const quick = disk.device.stopQueue(0, { patience: 10 });
    expect(disk.device.stopQueue(0, { patience: 1000 })).toBe(slow);
    disk.clock.advance(10);
    expect([await slow, await quick].map((each) => each.unfinished)).toEqual([3, 3]);
    const other = busyDisk();
    const stopping = other.device.stopQueue(0, { patience: 1000 });
    other.device.reset();
    expect(await stopping).toMatchObject({ unfinished: 3 });
  });

  test("puts back what is unfinished, oldest first, for whoever goes on with it", async () => {
    const disk = busyDisk();
    disk.driver.complete(1);
    disk.run();
    disk.guest.collect();
    const { position, unfinished } = await disk.device.stopQueue(0, { putBack: true });
    expect([position.available, unfinished]).toEqual([1, 2]);
    disk.driver.held.length = 0;
    disk.driver.log.length = 0;
    disk.driver.hold = false;
    disk.device.startQueue(0, { ...disk.guest.queue.settings, position });
    disk.run();
    expect(disk.driver.log).toEqual(["read 0+1024", "flush 0+0"]);
    expect(disk.guest.collect().map((request) => request.status)).toEqual([0, 0]);
  });

  test("leaves other queues alone", async () => {
    const disk = new TestDisk({ device: { numQueues: 2 }, guest: { slots: 16 } });
    const second = new TestGuest({ queue: 1, slots: 4, shared: disk.guest });
    disk.device.startQueue(1, second.queue.settings);
    disk.run();
    disk.driver.hold = true;
    disk.write(0, 1);
    const request = second.ask(disk.device, { type: Type.IN, inLength: 512 });
    await disk.device.stopQueue(0);
    expect([disk.device.isStarted(0), disk.device.isStarted(1), disk.device.status]).toEqual([false, true, 0x0f]);
    disk.driver.completeAll();
    disk.run();
    second.collect();
    expect([request.status, request.written]).toEqual([0, 513]);
    expect(disk.interrupts.at(-1)).toBe(1);
    await disk.device.stopQueue(1);
    expect(disk.device.status).toBe(0x0b);
  });

  test("of a queue that was never started, or is none, gives the start", async () => {
    const { device } = new TestDisk({ stopped: true });
    for (const index of [0, 7, -1]) {
      expect(await device.stopQueue(index)).toMatchObject({ position: { available: 0 }, unfinished: 0 });
    }
  });
});

test("whoever hears of an interrupt or a completion may reset the device from within", () => {
  let disk: TestDisk | null = null;
  const reset = (): void => disk?.device.reset();
  disk = new TestDisk({ device: { onInterrupt: reset } });
  disk.guest.add({ type: Type.IN, inLength: 512 });
  disk.guest.add({ type: Type.IN, inLength: 512 });
  disk.guest.kick(disk.device);
  disk.run();
  expect(disk.device.status).toBe(0);
  disk.guest.restart();
  disk.start();
  disk.driver.onSubmit = reset;
  disk.read(0);
  disk.run();
  expect([disk.device.status, disk.guest.collect(), disk.device.lingering]).toEqual([0, [], []]);
});

test("a long request that waits for its next turn is given up, too", () => {
  const disk = new TestDisk({ declared: { maxTransfer: 512 } });
  disk.guest.ask(disk.device, { type: Type.IN, inLength: 32_768 });
  expect(disk.yielded).toHaveLength(1);
  const submitted = disk.driver.log.length;
  disk.device.reset();
  disk.run();
  expect([disk.driver.log.length, disk.guest.collect()]).toEqual([submitted, []]);
});

test("the first start after somebody else died interrupts once, whatever is to be done", () => {
  const disk = new TestDisk({ stopped: true });
  disk.device.negotiate(disk.guest.featuresFor(disk.device));
  disk.device.startQueue(0, { ...disk.guest.queue.settings, inflight: new Uint8Array(16384) });
  disk.run();
  expect(disk.interrupts).toEqual([0]);
  disk.device.kick(0);
  expect(disk.interrupts).toEqual([0]);
});

describe("with a copy of the data", () => {
  const device = { dataPath: "copy" } as const;

  test("data goes both ways, in pieces too", () => {
    const disk = new TestDisk({ device, declared: { maxTransfer: 1024 } });
    const out = new Uint8Array(5120).map((_, at) => (at * 13) >> 3);
    disk.do({ type: Type.OUT, sector: 1, out, readable: [3, 1000, 4133] });
    expect(disk.driver.disk.subarray(512, 512 + 5120)).toEqual(out);
    const read = disk.read(1, 5120, { writable: [1, 700, 4420] });
    expect([read.status, read.written]).toEqual([0, 5121]);
    expect(read.data).toEqual(out);
  });

  test("no driver has guest memory, not even one that does not let go", () => {
    const disk = busyDisk("refuse", device);
    const before = disk.guest.snapshot();
    disk.device.reset();
    expect(disk.device.lingering).toEqual([]);
    disk.driver.disk.fill(0x77);
    disk.driver.completeAll();
    disk.run();
    expect(disk.guest.changesSince(before)).toBe(0);
  });

  test("copies count until the driver let go of them, and then not any more", () => {
    const disk = new TestDisk({ device, size: 2 ** 22, guest: { slots: 2, slotBytes: 2 ** 20 } });
    disk.driver.abandoning = "refuse";
    disk.driver.hold = true;
    const bytes = 2 ** 20 - 4096;
    for (let round = 0; round < 70; round += 1) {
      disk.read(0, bytes);
      disk.device.reset();
      disk.guest.restart();
      disk.start();
    }
    // 64 MiB, and what was too short of them by little.
    expect(disk.driver.held).toHaveLength(65);
    disk.driver.hold = false;
    disk.driver.completeAll();
    disk.run();
    expect(disk.read(0, bytes).status).toBe(0);
  });

  test("a failed read leaves the buffer as it was", () => {
    const disk = new TestDisk({ device });
    disk.driver.hold = true;
    const request = disk.read(0, 512);
    disk.driver.completeTorn(0, "EIO");
    disk.run();
    disk.guest.collect();
    expect(request.status).toBe(1);
    expect(request.data.every((byte) => byte === CANARY)).toBe(true);
  });

  test("no more is taken than 64 MiB of copies, and the rest follows", () => {
    const disk = new TestDisk({ device, size: 2 ** 26, guest: { size: 256, slots: 1, tableEntries: 40 } });
    disk.driver.hold = true;
    const { allocate } = disk.guest.test;
    const header = allocate(16);
    const part = allocate(32 * 1024);
    const status = allocate(1);
    // Each reads a MiB into one and the same buffer.
    const buffers = [
      { address: header, length: 16, writable: false },
      ...Array.from({ length: 32 }, () => ({ address: part, length: 32 * 1024, writable: true })),
      { address: status, length: 1, writable: true },
    ];
    let asked = 0;
    while (disk.guest.queue.add(buffers, 0) !== -1) asked += 1;
    expect(asked).toBe(256);
    disk.guest.kick(disk.device);
    while (asked > 0) {
      disk.run();
      expect(disk.driver.held).toHaveLength(64);
      disk.driver.completeAll();
      disk.run();
      while (disk.guest.queue.collect() !== null) asked -= 1;
    }
  });
});
