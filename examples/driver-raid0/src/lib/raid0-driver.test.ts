import { createMemoryDriver, createMemoryStorage } from "@rehandle/driver-memory";
import {
  createBlockClient,
  createRandom,
  createRequest,
  createVirtualClock,
  defineDriver,
  type BlockDriver,
  type DriverEvent,
  type OpenContext,
} from "@rehandle/driver-sdk";
import { createFaultDriver } from "@rehandle/driver-sdk/faults";
import { describe, expect, it } from "vitest";
import { createRaid0Driver } from "./raid0-driver.ts";

const KIB = 1024;

function contextOf(events: DriverEvent[] = []): OpenContext {
  return {
    clock: createVirtualClock(),
    random: createRandom(1),
    onEvent: (event) => events.push(event),
    held: false,
  };
}

function memory(size = 256 * KIB): BlockDriver {
  return createMemoryDriver({ size });
}

describe("raid0", () => {
  it("lays stripes on the members in turn", async () => {
    const storages = [1, 2].map(() => createMemoryStorage({ size: 64 * KIB }));
    const members = storages.map((storage) => createMemoryDriver({ storage }));
    const disk = createRaid0Driver({ members, stripeSize: 4 * KIB });
    await disk.open(contextOf());
    await createBlockClient(disk).write(
      0,
      Uint8Array.from({ length: 16 * KIB }, (_, at) => Math.floor(at / (4 * KIB))),
    );
    const seen = storages.map((storage) => {
      const bytes = new Uint8Array(8 * KIB);
      storage.read(0, [bytes]);
      return [bytes[0], bytes[4 * KIB]];
    });
    expect(seen).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it("is as large as its smallest member, in whole stripes, times their number", async () => {
    const disk = createRaid0Driver({ members: [memory(10_000), memory(9_000), memory(90_000)], stripeSize: 4 * KIB });
    expect((await disk.open(contextOf())).size).toBe(3 * 2 * 4 * KIB);
  });

  it("declares what all members can do", async () => {
    const members = [
      memory(),
      createMemoryDriver({ size: 256 * KIB, capabilities: { fua: false, instance: "unknown" } }),
    ];
    expect(await createRaid0Driver({ members }).open(contextOf())).toMatchObject({
      fua: false,
      discard: true,
      zeroCopy: true,
      instance: "unknown",
      reportsConnection: false,
    });
  });

  it("refuses stripes that do not suit a member, and leaves nothing open", async () => {
    let open = 0;
    const member = defineDriver({
      name: "counted",
      open: () => ({ size: 64 * KIB, requestAlignment: 4096, opened: (open += 1) }),
      read: () => {},
      close: () => void (open -= 1),
    });
    const disk = createRaid0Driver({ members: [memory(), member], stripeSize: 512 });
    await expect(disk.open(contextOf())).rejects.toMatchObject({ code: "EINVAL" });
    expect(open).toBe(0);
  });

  it("fails to open with a member, and closes the others", async () => {
    const other = memory();
    const broken = defineDriver({
      name: "broken",
      open: () => Promise.reject(Object.assign(new Error("no such disk"), { code: "ENOENT" })),
      read: () => {},
    });
    await expect(createRaid0Driver({ members: [other, broken] }).open(contextOf())).rejects.toMatchObject({
      code: "ENOENT",
    });
    await expect(createBlockClient(other).flush()).rejects.toMatchObject({ code: "EBADF" });
  });

  it("tells a member's error in the disk's offsets, once, after all members are done", async () => {
    const context = contextOf();
    const clock = createVirtualClock();
    const failing = createFaultDriver(memory(), { rules: [{ effect: { type: "error", code: "ENOSPC" } }] });
    const slow = createFaultDriver(memory(), { latency: 10 });
    const disk = createRaid0Driver({ members: [failing, slow], stripeSize: 4 * KIB });
    await disk.open({ ...context, clock });
    const results: unknown[] = [];
    const iov = [new Uint8Array(8 * KIB)];
    disk.submit(
      createRequest({
        operation: "write",
        offset: 8 * KIB,
        length: 8 * KIB,
        iov,
        complete: (_request, error) => results.push(error),
      }),
    );
    expect(results).toEqual([]);
    clock.advance(10);
    expect(results).toMatchObject([
      { code: "ENOSPC", errorClass: "no-space", operation: "write", offset: 8 * KIB, length: 8 * KIB },
    ]);
  });

  it("loses its connection with the first member, and has it back with the last", async () => {
    const events: DriverEvent[] = [];
    const members = [memory(), memory()].map((each) => createFaultDriver(each, { instance: "reported" }));
    const disk = createRaid0Driver({ members });
    await disk.open(contextOf(events));
    members[0]?.disconnect();
    members[1]?.disconnect();
    members[0]?.connect();
    expect(events).toMatchObject([{ type: "disconnected" }]);
    members[1]?.connect();
    members[1]?.disconnect();
    members[1]?.connect();
    members[0]?.crash();
    members[0]?.connect();
    const connected = events.filter((event) => event.type === "connected");
    expect(connected.map(({ generation }) => generation)).toEqual([2, 3, 4]);
    const [first, second, third] = connected.map(({ instance }) => instance);
    expect(first).toBe(second);
    expect(third).not.toBe(second);
    expect(disk.capabilities).toMatchObject({ reportsConnection: true, instance: "reported" });
  });

  it("follows the size of its members", async () => {
    const events: DriverEvent[] = [];
    const members = [memory(64 * KIB), memory(64 * KIB)];
    const disk = createRaid0Driver({ members, stripeSize: 4 * KIB });
    await disk.open(contextOf(events));
    await members[0]?.resize?.(128 * KIB);
    expect(events).toEqual([]);
    await members[1]?.resize?.(96 * KIB);
    expect(events).toEqual([{ type: "resized", size: 192 * KIB }]);
    expect(disk.capabilities.size).toBe(192 * KIB);
  });

  it("merges the members' extents in the order of the disk", async () => {
    const members = [1, 2].map(() => createMemoryDriver({ size: 64 * KIB, chunkSize: 4096 }));
    const disk = createRaid0Driver({ members, stripeSize: 4 * KIB });
    await disk.open(contextOf());
    const client = createBlockClient(disk);
    await client.write(8 * KIB, new Uint8Array(12 * KIB).fill(1));
    expect(await client.blockStatus(0, 128 * KIB)).toEqual([
      { length: 8 * KIB, hole: true, zero: true },
      { length: 12 * KIB, hole: false, zero: false },
      { length: 108 * KIB, hole: true, zero: true },
    ]);
  });

  it("takes buffers back if every member that has them does", async () => {
    const members = [memory(), memory()].map((each) => createFaultDriver(each));
    const disk = createRaid0Driver({ members, stripeSize: 4 * KIB });
    await disk.open(contextOf());
    members[1]?.freeze();
    let completions = 0;
    const iov = [new Uint8Array(8 * KIB)];
    const request = createRequest({ operation: "write", length: 8 * KIB, iov, complete: () => (completions += 1) });
    disk.submit(request);
    expect(completions).toBe(0);
    expect(disk.abandon?.(request)).toBe(true);
    members[1]?.thaw();
    expect(completions).toBe(1);
    expect(disk.abandon?.(request)).toBe(false);
  });

  it("does not take buffers back that one member keeps", async () => {
    const members = [
      createFaultDriver(memory(), { abandon: "refuse" }),
      createFaultDriver(memory(), { abandon: "detach" }),
    ];
    const disk = createRaid0Driver({ members, stripeSize: 4 * KIB });
    expect((await disk.open(contextOf())).abandon).toBe(false);
    for (const member of members) member.freeze();
    const request = createRequest({
      operation: "read",
      length: 8 * KIB,
      iov: [new Uint8Array(8 * KIB)],
      complete: () => {},
    });
    disk.submit(request);
    expect(disk.abandon?.(request)).toBe(false);
  });

  it("forgets an error with the request that had it", async () => {
    const failing = createFaultDriver(memory(), { rules: [{ count: 1, effect: { type: "error", code: "EIO" } }] });
    const disk = createRaid0Driver({ members: [failing] });
    await disk.open(contextOf());
    const client = createBlockClient(disk);
    await expect(client.read(0, 1)).rejects.toMatchObject({ code: "EIO" });
    expect([...(await client.read(0, 1))]).toEqual([0]);
  });

  it("needs a member and a stripe size", () => {
    expect(() => createRaid0Driver({ members: [] })).toThrow(RangeError);
    expect(() => createRaid0Driver({ members: [memory()], stripeSize: 0.5 })).toThrow(RangeError);
  });
});
