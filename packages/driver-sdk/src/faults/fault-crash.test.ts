import { describe, expect, it } from "vitest";
import { RequestFlag } from "../lib/block-request.ts";
import { codeOf, createFaultBench } from "../testing/fault-bench.ts";

describe("crash of a volatile cache", () => {
  it("undoes what no flush covered, and names a new instance", async () => {
    const { disk, write, submit, storage, events } = await createFaultBench({ volatileCache: true });
    write(0, 4, 1);
    submit("flush");
    write(2, 4, 2);
    write(3, 2, 3);
    disk.crash();
    expect(disk.connected).toBe(false);
    disk.connect();
    expect([...storage.subarray(0, 7)]).toEqual([1, 1, 1, 1, 0, 0, 0]);
    expect(events).toMatchObject([
      { type: "disconnected" },
      { type: "connected", generation: 2, instance: "instance-2" },
    ]);
    expect(disk.capabilities).toMatchObject({ instance: "reported", flush: true });
  });

  it("keeps everything without a volatile cache", async () => {
    const { disk, write, storage } = await createFaultBench();
    write(0, 4, 1);
    disk.crash();
    expect(storage[0]).toBe(1);
    expect(disk.instance).toBe("instance-2");
  });

  it("undoes discard and write-zeroes", async () => {
    const { disk, write, submit, storage } = await createFaultBench({ volatileCache: true });
    write(0, 16, 1);
    submit("flush");
    submit("write-zeroes", 0, 8);
    submit("discard", 8, 4);
    expect(storage[0]).toBe(0);
    disk.crash();
    expect([...storage.subarray(0, 16)]).toEqual(Array.from({ length: 16 }, () => 1));
  });

  it("keeps FUA writes, also on top of writes that are undone", async () => {
    const { disk, write, storage } = await createFaultBench({ volatileCache: true });
    write(0, 8, 1);
    write(2, 4, 2, RequestFlag.FUA);
    write(4, 4, 3);
    disk.crash();
    expect([...storage.subarray(0, 8)]).toEqual([0, 0, 2, 2, 2, 2, 0, 0]);
  });

  it("lets the chosen writes survive, in their order", async () => {
    const { disk, write, storage } = await createFaultBench({ volatileCache: true });
    write(0, 4, 1);
    write(1, 4, 2);
    write(2, 4, 3);
    disk.crash({ survive: ({ offset }) => offset !== 1 });
    expect([...storage.subarray(0, 6)]).toEqual([1, 1, 3, 3, 3, 3]);
  });

  it("undoes more than fits into one piece of memory", async () => {
    const { disk, write, submit, storage } = await createFaultBench({ volatileCache: true });
    for (let value = 1; value < 12; value += 1) {
      write(0, 4096, value);
      submit("flush");
    }
    write(0, 4096, 99);
    disk.crash();
    expect(storage.every((byte) => byte === 11)).toBe(true);
  });

  it("draws survivors from the seed", async () => {
    const run = async (): Promise<number[]> => {
      const { disk, write, storage } = await createFaultBench({ volatileCache: true });
      for (let at = 0; at < 100; at += 1) write(at, 1, 1);
      disk.crash({ survive: "random" });
      return [...storage.subarray(0, 100)];
    };
    const survived = await run();
    const count = survived.filter((byte) => byte === 1).length;
    expect(count).toBeGreaterThan(20);
    expect(count).toBeLessThan(80);
    expect(await run()).toEqual(survived);
    const all = await createFaultBench({ volatileCache: true });
    all.write(0, 1, 1);
    all.disk.crash({ survive: "all" });
    expect(all.storage[0]).toBe(1);
  });

  it("does not count a write that completed after the flush was submitted as flushed", async () => {
    const { disk, write, submit, clock, storage } = await createFaultBench({ volatileCache: true }, true);
    const early = write(0, 1, 1);
    clock.advance(2);
    const late = write(1, 1, 1);
    clock.advance(1);
    const flush = submit("flush");
    expect([early, flush, late].map(codeOf)).toEqual(["ok", "pending", "pending"]);
    clock.advance(2);
    expect([early, flush, late].map(codeOf)).toEqual(["ok", "ok", "ok"]);
    disk.crash();
    clock.advance(5);
    expect([...storage.subarray(0, 2)]).toEqual([1, 0]);
  });

  it("waits for a slow inner driver before it is back", async () => {
    const { disk, write, submit, clock, storage, events } = await createFaultBench({ volatileCache: true }, true);
    const done = write(0, 4, 1);
    clock.advance(2);
    const inFlight = write(8, 4, 1);
    disk.crash();
    disk.connect();
    expect([codeOf(done), codeOf(inFlight), disk.connected]).toEqual(["ok", "pending", false]);
    expect(codeOf(submit("flush"))).toBe("ECONNRESET");
    clock.advance(10);
    expect(codeOf(inFlight)).toBe("ECONNRESET");
    expect(disk.connected).toBe(true);
    expect(events.map((event) => event.type)).toEqual(["disconnected", "connected"]);
    expect(storage.every((byte) => byte === 0)).toBe(true);
  });

  it("kills zombies: they complete and never land", async () => {
    const { disk, write, clock, storage } = await createFaultBench({ latency: 1 });
    const zombie = write(0, 4, 1);
    disk.disconnect({ fates: ["zombie"], zombieDelay: 10 });
    disk.crash();
    expect(codeOf(zombie)).toBe("ECONNRESET");
    clock.advance(100);
    expect(storage[0]).toBe(0);
  });

  it("makes the oldest stable when the cache is full", async () => {
    const { disk, write, storage } = await createFaultBench({ volatileCache: 32 });
    write(0, 8, 1);
    write(8, 8, 1);
    write(16, 8, 1);
    disk.crash();
    expect([storage[0], storage[8], storage[16]]).toEqual([1, 0, 0]);
  });

  it("writes everything back before a change that is larger than the cache", async () => {
    const { disk, write, storage } = await createFaultBench({ volatileCache: 32 });
    write(0, 4, 1);
    write(8, 100, 1);
    disk.crash();
    expect([storage[0], storage[8]]).toEqual([1, 1]);
  });

  it("a failed flush covers nothing", async () => {
    const { disk, write, submit, storage } = await createFaultBench({
      volatileCache: true,
      rules: [{ operations: ["flush"], effect: { type: "error", code: "EIO" } }],
    });
    write(0, 4, 1);
    expect(codeOf(submit("flush"))).toBe("EIO");
    disk.crash();
    expect(storage[0]).toBe(0);
  });

  it("a torn write that was not flushed is undone too", async () => {
    const { disk, write, storage } = await createFaultBench({
      volatileCache: true,
      rules: [{ effect: { type: "torn", bytes: 2 } }],
    });
    expect(codeOf(write(0, 4, 1))).toBe("EIO");
    expect([...storage.subarray(0, 4)]).toEqual([1, 1, 0, 0]);
    disk.crash();
    expect([...storage.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
  });
});
