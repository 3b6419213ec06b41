import { createMemoryDriver } from "@rehandle/driver-memory";
import {
  createBlockClient,
  createRandom,
  createRequest,
  createSystemClock,
  type BlockDriver,
  type BlockExtent,
} from "@rehandle/driver-sdk";
import { describeDriverConformance } from "@rehandle/driver-sdk/conformance";
import { expect, test } from "vitest";
import { createWindowDriver } from "./window-driver.ts";

const context = { clock: createSystemClock(), random: createRandom(1), held: false, onEvent: () => undefined };
const MIB = 1024 * 1024;

describeDriverConformance("a window into a memory driver", {
  create: () => ({ driver: createWindowDriver(createMemoryDriver({ size: 3 * MIB }), { offset: MIB, size: MIB }) }),
});

test("the window shows its part and nothing else", async () => {
  const inner: BlockDriver = createMemoryDriver({ size: 4096 });
  const driver = createWindowDriver(inner, { offset: 1024, size: 512 });
  await driver.open(context);
  expect(driver.capabilities).toMatchObject({ size: 512, resize: false });
  const whole = createBlockClient(inner);
  const part = createBlockClient(driver);
  await whole.write(0, new Uint8Array(4096).fill(1));
  await part.write(0, new Uint8Array(512).fill(2));
  const data = await whole.read(0, 4096);
  expect([data[1023], data[1024], data[1535], data[1536]]).toEqual([1, 2, 2, 1]);
  await expect(part.read(512, 1)).rejects.toMatchObject({ code: "EINVAL" });
  await expect(part.write(500, new Uint8Array(20))).rejects.toMatchObject({ code: "EINVAL" });
  await part.flush();
  expect(await part.blockStatus(0, 512)).toEqual([{ length: 512, hole: false, zero: false }]);
  await driver.close();
});

test("an extent that reaches beyond the window is cut at its end", async () => {
  const memory = createMemoryDriver({ size: 4096 });
  const inner: BlockDriver = {
    driverName: "long extents",
    get capabilities() {
      return memory.capabilities;
    },
    open: (opening) => memory.open(opening),
    close: () => memory.close(),
    submit(request) {
      request.extents.push({ length: 600, hole: true, zero: true }, { length: 2000, hole: false, zero: false });
      request.extents.push({ length: 8, hole: false, zero: false });
      request.complete(request, null);
    },
  };
  const driver = createWindowDriver(inner, { offset: 512, size: 1024 });
  await driver.open(context);
  const extents: BlockExtent[] = [];
  const request = createRequest({ operation: "block-status", length: 1024, extents, complete: () => undefined });
  driver.submit(request);
  expect(extents).toEqual([
    { length: 600, hole: true, zero: true },
    { length: 424, hole: false, zero: false },
  ]);
  await driver.close();
});

test("without a size the window grows and shrinks with what is below", async () => {
  const inner: BlockDriver = createMemoryDriver({ size: 4096 });
  const driver = createWindowDriver(inner, { offset: 1024 });
  const events: unknown[] = [];
  await driver.open({ ...context, onEvent: (event) => void events.push(event) });
  await inner.resize?.(2048);
  expect(driver.capabilities.size).toBe(1024);
  expect(events).toEqual([{ type: "resized", size: 1024 }]);
  await driver.close();
});
