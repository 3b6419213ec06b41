import { describe, expect, it } from "vitest";
import { codeOf, createFaultBench } from "../testing/fault-bench.ts";

describe("fault rules", () => {
  it("fail requests by operation, and the error says what it was", async () => {
    const { submit, write } = await createFaultBench({
      rules: [{ operations: ["write"], effect: { type: "error", code: "ENOSPC" } }],
    });
    const failed = write(8, 16, 1);
    expect(failed.result).toMatchObject({
      code: "ENOSPC",
      errorClass: "no-space",
      operation: "write",
      offset: 8,
      length: 16,
    });
    expect(codeOf(submit("read", 0, 16))).toBe("ok");
    expect(codeOf(submit("flush"))).toBe("ok");
  });

  it("take an error class of their own", async () => {
    const { submit } = await createFaultBench({
      rules: [{ effect: { type: "error", code: "EIO", errorClass: "transport" } }],
    });
    expect(submit("flush").result).toMatchObject({ code: "EIO", errorClass: "transport" });
  });

  it("apply to a byte range, half open", async () => {
    const { submit } = await createFaultBench({
      rules: [{ range: { offset: 100, length: 50 }, effect: { type: "error", code: "EIO" } }],
    });
    const codes = [
      [0, 100],
      [0, 101],
      [149, 1],
      [150, 10],
      [120, 0],
    ].map(([offset, length]) => codeOf(submit("read", offset, length)));
    expect(codes).toEqual(["ok", "EIO", "EIO", "ok", "ok"]);
    expect(codeOf(submit("flush"))).toBe("ok");
  });

  it("apply to the nth request, or to the first n", async () => {
    const error = { type: "error", code: "EIO" } as const;
    const third = await createFaultBench({ rules: [{ skip: 2, count: 1, effect: error }] });
    expect([1, 2, 3, 4].map(() => codeOf(third.submit("flush")))).toEqual(["ok", "ok", "EIO", "ok"]);
    const first = await createFaultBench({ rules: [{ count: 2, effect: error }] });
    expect([1, 2, 3, 4].map(() => codeOf(first.submit("flush")))).toEqual(["EIO", "EIO", "ok", "ok"]);
  });

  it("apply within a time window, half open", async () => {
    const { submit, clock } = await createFaultBench({
      rules: [{ from: 10, until: 20, effect: { type: "error", code: "EIO" } }],
    });
    const codes = [0, 9, 10, 19, 20, 21].map((at) => {
      clock.advance(at - clock.now());
      return codeOf(submit("flush"));
    });
    expect(codes).toEqual(["ok", "ok", "EIO", "EIO", "ok", "ok"]);
  });

  it("apply with a probability, the same way for the same seed", async () => {
    const run = async (): Promise<string[]> => {
      const { submit } = await createFaultBench({
        rules: [{ probability: 0.3, effect: { type: "error", code: "EIO" } }],
      });
      return Array.from({ length: 200 }, () => codeOf(submit("flush")));
    };
    const codes = await run();
    const failed = codes.filter((code) => code === "EIO").length;
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(90);
    expect(await run()).toEqual(codes);
  });

  it("can be added and removed, and count their hits", async () => {
    const { disk, submit } = await createFaultBench();
    const rule = disk.addRule({ effect: { type: "error", code: "EIO" } });
    expect(codeOf(submit("flush"))).toBe("EIO");
    expect(codeOf(submit("flush"))).toBe("EIO");
    rule.remove();
    expect(codeOf(submit("flush"))).toBe("ok");
    expect(rule.hits).toBe(2);
  });

  it("the first that applies decides, and latency adds up before it", async () => {
    const { submit, clock } = await createFaultBench({
      latency: 1,
      rules: [
        { effect: { type: "latency", ms: 10 } },
        { effect: { type: "latency", ms: 100 } },
        { effect: { type: "error", code: "EIO" } },
        { effect: { type: "error", code: "EPERM" } },
      ],
    });
    const sent = submit("flush");
    clock.advance(110);
    expect(codeOf(sent)).toBe("pending");
    clock.advance(1);
    expect(codeOf(sent)).toBe("EIO");
  });

  it("draw latency from a range, and a change lands at its end", async () => {
    const { write, clock, storage } = await createFaultBench({ latency: [5, 15] });
    const sent = Array.from({ length: 100 }, (_, index) => write(index, 1, 9));
    clock.advance(4.9);
    expect(sent.every((each) => codeOf(each) === "pending")).toBe(true);
    expect(storage.every((byte) => byte === 0)).toBe(true);
    clock.advance(5);
    const half = sent.filter((each) => codeOf(each) === "ok").length;
    expect(half).toBeGreaterThan(20);
    expect(half).toBeLessThan(80);
    clock.advance(5.2);
    expect(sent.every((each) => codeOf(each) === "ok")).toBe(true);
  });

  it("stall requests until release", async () => {
    const { disk, write, submit, clock, storage } = await createFaultBench({
      rules: [{ operations: ["write"], effect: { type: "stall" } }],
    });
    const sent = write(0, 4, 3);
    clock.advance(1e9);
    expect(codeOf(sent)).toBe("pending");
    expect(disk.inFlight).toBe(1);
    expect(storage[0]).toBe(0);
    expect(codeOf(submit("read", 0, 4))).toBe("ok");
    disk.release();
    expect(codeOf(sent)).toBe("ok");
    expect(storage[0]).toBe(3);
    expect(disk.inFlight).toBe(0);
  });

  it("tear a write: a prefix lands and it fails", async () => {
    const { write, storage } = await createFaultBench({
      rules: [{ operations: ["write"], effect: { type: "torn", bytes: 5 } }],
    });
    expect(codeOf(write(10, 16, 4))).toBe("EIO");
    expect([...storage.subarray(9, 17)]).toEqual([0, 4, 4, 4, 4, 4, 0, 0]);
  });

  it("tear a write of many parts and write-zeroes, at a drawn length that is less than the whole", async () => {
    const { disk, submit, storage } = await createFaultBench({
      rules: [{ operations: ["write-zeroes"], effect: { type: "torn", code: "ECONNRESET" } }],
    });
    storage.fill(7);
    const sent = submit("write-zeroes", 0, 1000);
    expect(sent.result).toMatchObject({ code: "ECONNRESET", errorClass: "transport" });
    const zeroes = storage.findIndex((byte) => byte !== 0);
    expect(zeroes).toBeGreaterThan(0);
    expect(zeroes).toBeLessThan(1000);
    expect(disk.inFlight).toBe(0);
  });

  it("tear at the alignment", async () => {
    const torn = { type: "torn", bytes: 700 } as const;
    const { write, storage } = await createFaultBench({ rules: [{ effect: torn }] }, false, { requestAlignment: 512 });
    expect(codeOf(write(0, 1024, 4))).toBe("EIO");
    expect([storage[511], storage[512]]).toEqual([4, 0]);
  });

  it("lose a write: acknowledged, not written", async () => {
    const { write, submit, storage } = await createFaultBench({ rules: [{ count: 1, effect: { type: "lost" } }] });
    expect(codeOf(write(0, 4, 5))).toBe("ok");
    expect(storage[0]).toBe(0);
    expect(codeOf(write(4, 4, 6))).toBe("ok");
    expect(storage[4]).toBe(6);
    expect(codeOf(submit("read", 0, 4))).toBe("ok");
  });

  it("take the connection away with the request that hits them", async () => {
    const { disk, write, events } = await createFaultBench({
      rules: [{ operations: ["write"], count: 1, effect: { type: "disconnect", fates: ["landed"] } }],
    });
    const sent = write(0, 4, 1);
    expect(codeOf(sent)).toBe("ECONNRESET");
    expect(sent.completions).toBe(1);
    expect(events.map((event) => event.type)).toEqual(["disconnected"]);
    expect(disk.connected).toBe(false);
  });

  it("leave requests alone that fail the checks", async () => {
    const { disk, submit } = await createFaultBench();
    const rule = disk.addRule({ effect: { type: "error", code: "EIO" } });
    expect(codeOf(submit("read", 5000, 1))).toBe("EINVAL");
    expect(rule.hits).toBe(0);
  });
});
