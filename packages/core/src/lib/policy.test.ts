import { BlockError } from "@rehandle/driver-sdk";
import { describe, expect, it } from "vitest";

import { Backoff } from "./backoff.ts";
import { HoldPolicy, directionOf } from "./policy.ts";

const EIO = new BlockError("", { code: "EIO" });
const ENOSPC = new BlockError("", { code: "ENOSPC" });
/** What a driver says of a flush whose data are known to be lost. */
const LOST = new BlockError("", { code: "EIO", errorClass: "permanent" });

describe("HoldPolicy", () => {
  it("looks at the class before the code", () => {
    const policy = new HoldPolicy({});
    expect([policy.isHeld(EIO, "write"), policy.isHeld(LOST, "write"), policy.isHeld(ENOSPC, "write")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("can be asked why", () => {
    expect(new HoldPolicy({}).ruleFor(EIO, "read")?.reason).toMatch(/EIO/);
  });

  it("has one row for a direction alone", () => {
    const policy = new HoldPolicy({ holdRules: [{ direction: "read", hold: true, reason: "" }] });
    expect([policy.isHeld(ENOSPC, "read"), policy.isHeld(ENOSPC, "write")]).toEqual([true, false]);
  });

  it("tells directions apart as QEMU does", () => {
    expect((["read", "write", "flush", "discard", "write-zeroes", "block-status"] as const).map(directionOf)).toEqual([
      "read",
      "write",
      "write",
      "write",
      "write",
      "read",
    ]);
  });

  it.each([
    [{ iohangTimeout: -1 }, /iohangTimeout must be a number >= 0/],
    [{ iohangTimeout: NaN }, /iohangTimeout/],
    [{ read: { retryTimeout: -5 } }, /read.retryTimeout/],
    [{ write: { retryInterval: 0 } }, /write.retryInterval must be from 1/],
    [{ read: { action: "enospc" as const } }, /read.action cannot be enospc/],
  ])("refuses %j", (options, message) => {
    expect(() => new HoldPolicy(options)).toThrow(message);
  });
});

describe("Backoff", () => {
  it("doubles from 100 ms to 5 s, less a jitter", () => {
    const least = new Backoff({}, () => 0.999_999);
    const most = new Backoff({}, () => 0);
    const waits = Array.from({ length: 8 }, () => [Math.round(least.next()), most.next()]);
    expect(waits.map(([, wait]) => wait)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    expect(waits.map(([wait]) => wait)).toEqual([70, 140, 280, 560, 1120, 2240, 3500, 3500]);
    most.reset();
    expect(most.next()).toBe(100);
  });

  it("refuses what is out of range", () => {
    expect(() => new Backoff({ initialMs: 10, maxMs: 5 }, Math.random)).toThrow(/backoff needs/);
  });
});
