import {
  createBlockClient,
  createRandom,
  createRequest,
  createVirtualClock,
  type DriverEvent,
  type OpenContext,
} from "@rehandle/driver-sdk";
import { describe, expect, it } from "vitest";
import { createMemoryDriver } from "./memory-driver.ts";
import { createMemoryStorage } from "./memory-storage.ts";

function contextOf(events: DriverEvent[] = []): OpenContext {
  return {
    clock: createVirtualClock(),
    random: createRandom(1),
    onEvent: (event) => events.push(event),
    held: false,
  };
}

describe("memory driver", () => {
  it("completes from within submit, without a copy of the buffers", async () => {
    const driver = createMemoryDriver({ size: 8192 });
    expect(await driver.open(contextOf())).toMatchObject({
      size: 8192,
      zeroCopy: true,
      instance: "fixed",
      abandon: false,
    });
    let completed = false;
    const complete = (): void => void (completed = true);
    driver.submit(createRequest({ operation: "write", length: 3, iov: [Uint8Array.of(1, 2, 3)], complete }));
    expect(completed).toBe(true);
  });

  it("shares a storage with other drivers, its size too", async () => {
    const storage = createMemoryStorage({ size: 1024 });
    const events: DriverEvent[][] = [[], []];
    const [a, b] = [createMemoryDriver({ storage }), createMemoryDriver({ storage })];
    await a.open(contextOf(events[0]));
    await b.open(contextOf(events[1]));
    await createBlockClient(a).write(10, Uint8Array.of(1, 2, 3));
    expect([...(await createBlockClient(b).read(10, 3))]).toEqual([1, 2, 3]);
    await a.resize?.(2048);
    expect(events).toEqual([[{ type: "resized", size: 2048 }], [{ type: "resized", size: 2048 }]]);
    expect([a.capabilities.size, b.capabilities.size]).toEqual([2048, 2048]);
    await b.close();
    await a.resize?.(4096);
    expect(events.map((each) => each.length)).toEqual([2, 1]);
  });

  it("reports a full storage as ENOSPC, and recovers when space was made", async () => {
    const driver = createMemoryDriver({ size: 65536, chunkSize: 4096, allocationLimit: 8192 });
    await driver.open(contextOf());
    const client = createBlockClient(driver);
    await client.write(0, new Uint8Array(8192).fill(1));
    await expect(client.write(8192, Uint8Array.of(1))).rejects.toMatchObject({
      code: "ENOSPC",
      errorClass: "no-space",
    });
    await client.discard(0, 4096);
    await client.write(8192, Uint8Array.of(1));
  });

  it("keeps to the capabilities that it is told to declare", async () => {
    const driver = createMemoryDriver({
      size: 65536,
      capabilities: { readOnly: true, writeZeroes: false, instance: "unknown", resize: false },
    });
    const declared = await driver.open(contextOf());
    expect(declared).toMatchObject({ readOnly: true, fastZero: false, instance: "unknown", resize: false });
    expect(typeof driver.resize).toBe("undefined");
    await expect(createBlockClient(driver).write(0, Uint8Array.of(1))).rejects.toMatchObject({ code: "EROFS" });
  });

  it("refuses wrong options at once, and a second open", async () => {
    expect(() => createMemoryDriver({})).toThrow(RangeError);
    expect(() => createMemoryDriver({ size: 1, capabilities: { requestAlignment: 3 } })).toThrow(RangeError);
    const driver = createMemoryDriver({ size: 1 });
    await driver.open(contextOf());
    await expect(driver.open(contextOf())).rejects.toMatchObject({ code: "EBADF" });
    await driver.close();
    await expect(driver.open(contextOf())).rejects.toMatchObject({ code: "EBADF" });
    await expect(driver.resize?.(10)).rejects.toMatchObject({ code: "EBADF" });
  });
});
