import { describe, expect, it } from "vitest";
import { codeOf, createFaultBench, type BenchRequest } from "../testing/fault-bench.ts";

describe("connection loss", () => {
  it("fails what is in flight and what comes, tells both events, and ends", async () => {
    const { disk, submit, write, events } = await createFaultBench({
      latency: 10,
      instance: "reported",
    });
    const before = [submit("read", 0, 4), submit("flush"), write(0, 4, 1)];
    disk.disconnect({ fates: ["lost"] });
    expect(before.map(codeOf)).toEqual(["ECONNRESET", "ECONNRESET", "ECONNRESET"]);
    expect(before.map((each) => each.result)).toMatchObject([
      { errorClass: "transport", operation: "read" },
      { errorClass: "transport", operation: "flush" },
      { errorClass: "transport", operation: "write" },
    ]);
    expect(codeOf(submit("flush"))).toBe("ECONNRESET");
    disk.disconnect();
    disk.connect();
    disk.connect();
    expect(events).toMatchObject([
      { type: "disconnected", error: { code: "ECONNRESET", errorClass: "transport" } },
      { type: "connected", generation: 2, instance: "instance-1" },
    ]);
    expect(codeOf(submit("flush"))).toBe("pending");
    expect(before.map((each) => each.completions)).toEqual([1, 1, 1]);
  });

  it("leaves requests of a new connection alone that begin while the old one is wound up", async () => {
    const { disk, submit } = await createFaultBench({ latency: 10 });
    const first = submit("read", 0, 4);
    const second = submit("read", 0, 4);
    const later: BenchRequest[] = [];
    const { complete } = first.request;
    first.request.complete = (request, error) => {
      complete(request, error);
      disk.connect();
      disk.disconnect();
      disk.connect();
      later.push(submit("read", 0, 4));
    };
    disk.disconnect();
    expect([first, second].map(codeOf)).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect([disk.connected, later.map(codeOf)]).toEqual([true, ["pending"]]);
  });

  it("lets writes land or not as their fates say", async () => {
    const { disk, write, storage } = await createFaultBench({ latency: 10 });
    const first = write(0, 4, 1);
    disk.disconnect({ fates: ["landed"] });
    disk.connect();
    const second = write(8, 4, 2);
    disk.disconnect({ fates: ["lost"] });
    disk.connect();
    const third = write(16, 100, 3);
    disk.disconnect({ fates: ["torn"] });
    expect([first, second, third].map(codeOf)).toEqual(["ECONNRESET", "ECONNRESET", "ECONNRESET"]);
    expect([storage[3], storage[8]]).toEqual([1, 0]);
    const landed = storage.subarray(16, 116).indexOf(0);
    expect(landed).toBeGreaterThan(0);
    expect(storage.subarray(16 + landed, 116).every((byte) => byte === 0)).toBe(true);
  });

  it("draws fates from the seed", async () => {
    const { disk, write, storage } = await createFaultBench({ latency: 10 });
    for (let at = 0; at < 100; at += 1) write(at, 1, 1);
    disk.disconnect();
    const landed = storage.filter((byte) => byte === 1).length;
    expect(landed).toBeGreaterThan(20);
    expect(landed).toBeLessThan(80);
  });

  it("lets a zombie land after the next connection, and complete only then", async () => {
    const { disk, write, submit, clock, storage } = await createFaultBench({ latency: 1 });
    const zombie = write(0, 4, 1);
    const read = submit("read", 0, 4);
    disk.disconnect({ fates: ["zombie"], zombieDelay: 50 });
    expect([codeOf(zombie), codeOf(read)]).toEqual(["pending", "ECONNRESET"]);
    disk.connect();
    const later = write(0, 4, 2);
    clock.advance(1);
    expect(codeOf(later)).toBe("ok");
    expect(storage[0]).toBe(2);
    clock.advance(48.5);
    expect(storage[0]).toBe(2);
    clock.advance(1);
    expect(storage[0]).toBe(1);
    expect(codeOf(zombie)).toBe("ECONNRESET");
    expect(zombie.completions).toBe(1);
  });

  it("keeps a zombie without a delay until release, over further losses", async () => {
    const { disk, write, clock, storage } = await createFaultBench({ latency: 1 });
    const zombie = write(0, 4, 1);
    disk.disconnect({ fates: ["zombie"] });
    disk.connect();
    disk.disconnect();
    clock.advance(1000);
    expect(codeOf(zombie)).toBe("pending");
    disk.release();
    expect(codeOf(zombie)).toBe("ECONNRESET");
    expect(storage[0]).toBe(1);
  });

  it("waits for a slow inner driver before it fails a request that has reached it", async () => {
    const { disk, write, clock, storage } = await createFaultBench({}, true);
    const sent = write(0, 4, 1);
    disk.disconnect();
    expect(codeOf(sent)).toBe("pending");
    clock.advance(1);
    expect(codeOf(sent)).toBe("ECONNRESET");
    expect(storage[0]).toBe(1);
  });

  it("without reported connections sends no event and looks like EIO", async () => {
    const { disk, submit, events } = await createFaultBench({ reportsConnection: false, latency: 1 });
    const sent = submit("flush");
    disk.disconnect();
    expect(sent.result).toMatchObject({ code: "EIO", errorClass: "storage" });
    expect(codeOf(submit("flush"))).toBe("EIO");
    disk.refuse();
    disk.connect();
    expect(events).toEqual([]);
    expect(disk.connected).toBe(true);
  });

  it("names a new instance when told, and null if instances are not reported", async () => {
    const reported = await createFaultBench({ instance: "reported" });
    reported.disk.disconnect();
    reported.disk.connect({ newInstance: true });
    expect(reported.events[1]).toEqual({ type: "connected", generation: 2, instance: "instance-2" });
    const unknown = await createFaultBench({ instance: "unknown" });
    unknown.disk.disconnect();
    unknown.disk.connect();
    expect(unknown.events[1]).toEqual({ type: "connected", generation: 2, instance: null });
  });

  it("refuses while disconnected only", async () => {
    const { disk, events } = await createFaultBench();
    disk.refuse();
    disk.disconnect();
    disk.refuse("EROFS");
    expect(events).toMatchObject([{ type: "disconnected" }, { type: "refused", error: { code: "EROFS" } }]);
  });

  it("follows a script on the clock, in order", async () => {
    const { clock, events, submit } = await createFaultBench({
      script: [
        { at: 30, action: { type: "connect" } },
        { at: 10, action: { type: "disconnect", code: "EPIPE" } },
        { at: 20, action: { type: "refuse" } },
        { at: 30, action: { type: "disconnect" } },
      ],
    });
    clock.advance(9.9);
    expect(events).toEqual([]);
    clock.advance(0.1);
    expect(codeOf(submit("flush"))).toBe("EPIPE");
    clock.advance(100);
    expect(events.map((event) => event.type)).toEqual(["disconnected", "refused", "connected", "disconnected"]);
    expect(clock.pending).toBe(0);
  });

  it("freezes: nothing is answered or lands until thaw", async () => {
    const { disk, write, submit, clock, storage } = await createFaultBench({ latency: 5 });
    const before = write(0, 4, 1);
    disk.freeze();
    const meanwhile = submit("read", 0, 4);
    clock.advance(1000);
    expect([before, meanwhile].map(codeOf)).toEqual(["pending", "pending"]);
    expect(storage[0]).toBe(0);
    disk.thaw();
    expect([before, meanwhile].map(codeOf)).toEqual(["ok", "ok"]);
    expect(storage[0]).toBe(1);
  });

  it("keeps zombies back while it is frozen", async () => {
    const { disk, write, clock, storage } = await createFaultBench({ latency: 5 });
    const zombie = write(0, 4, 1);
    disk.disconnect({ fates: ["zombie"], zombieDelay: 10 });
    disk.freeze();
    clock.advance(100);
    expect(codeOf(zombie)).toBe("pending");
    disk.thaw();
    expect(codeOf(zombie)).toBe("ECONNRESET");
    expect(storage[0]).toBe(1);
  });

  it("abandons: detached writes land later from a copy, reads are given up", async () => {
    const { disk, write, submit, clock, storage } = await createFaultBench();
    disk.freeze();
    const sent = write(0, 4, 1);
    const read = submit("read", 0, 4);
    expect([disk.abandon?.(sent.request), disk.abandon?.(read.request)]).toEqual([true, true]);
    sent.request.iov[0]?.fill(99);
    read.request.iov[0]?.fill(99);
    expect(codeOf(read)).toBe("pending");
    clock.advance(0);
    expect([codeOf(sent), codeOf(read)]).toEqual(["pending", "ECANCELED"]);
    disk.thaw();
    expect(codeOf(sent)).toBe("ok");
    expect([storage[0], read.request.iov[0]?.[0]]).toEqual([1, 99]);
  });

  it("abandons: cancelled writes never land; a refused abandon is not declared", async () => {
    const cancels = await createFaultBench({ abandon: "cancel" });
    cancels.disk.freeze();
    const sent = cancels.write(0, 4, 1);
    expect(cancels.disk.abandon?.(sent.request)).toBe(true);
    expect(codeOf(sent)).toBe("pending");
    cancels.clock.advance(0);
    cancels.disk.thaw();
    expect(codeOf(sent)).toBe("ECANCELED");
    expect(cancels.storage[0]).toBe(0);
    const refuses = await createFaultBench({ abandon: "refuse" });
    refuses.disk.freeze();
    expect(refuses.disk.abandon?.(refuses.write(0, 4, 1).request)).toBe(false);
    expect(refuses.disk.capabilities.abandon).toBe(false);
  });

  it("drops the connection after an abandon, when told", async () => {
    const { disk, write, clock, events } = await createFaultBench({
      abandonAction: { type: "disconnect", fates: ["zombie"] },
    });
    disk.freeze();
    const sent = write(0, 4, 1);
    disk.abandon?.(sent.request);
    expect(events).toEqual([]);
    clock.advance(0);
    expect(events.map((event) => event.type)).toEqual(["disconnected"]);
    expect(codeOf(sent)).toBe("pending");
  });

  it("cancels everything when it is closed, and does nothing afterwards", async () => {
    const { disk, write, submit, clock, events, storage } = await createFaultBench({
      latency: 5,
      script: [{ at: 50, action: { type: "disconnect" } }],
    });
    const zombie = write(0, 4, 1);
    disk.disconnect({ fates: ["zombie"], zombieDelay: 20 });
    disk.connect();
    const waiting = submit("flush");
    await Promise.all([disk.close(), disk.close()]);
    expect(clock.pending).toBe(0);
    clock.advance(100);
    expect([codeOf(zombie), codeOf(waiting)]).toEqual(["ECONNRESET", "ECANCELED"]);
    expect([zombie.completions, waiting.completions]).toEqual([1, 1]);
    expect(storage[0]).toBe(0);
    expect(events).toHaveLength(2);
    expect(clock.pending).toBe(0);
    disk.perform({ type: "disconnect" });
    expect(codeOf(submit("flush"))).toBe("EBADF");
  });
});
