import { createRandom, createVirtualClock } from "@rehandle/driver-sdk";
import { createMemoryDriver } from "@rehandle/driver-memory";
import { expect, test } from "vitest";

import { createVirtioBlockDevice } from "./create-virtio-block-device.ts";
import { VirtioBlkRequestType, VirtioBlkStatus } from "./request-type.ts";
import { TestGuest } from "./testing/test-guest.ts";

const clock = createVirtualClock();

test.each([
  { packed: false, eventIdx: false },
  { packed: false, eventIdx: true },
  { packed: true, eventIdx: false },
  { packed: true, eventIdx: true },
])("writes, reads, flushes and tells its serial over a ring %o", async (ring) => {
  const driver = createMemoryDriver({ size: 1024 * 1024 });
  await driver.open({ clock, random: createRandom(1), onEvent: () => {}, held: false });
  const guest = new TestGuest(ring);
  const interrupts: number[] = [];
  const device = createVirtioBlockDevice({
    driver,
    clock,
    memory: guest.test.memory,
    writable: true,
    serial: "disk-0123456789-0123456789",
    onInterrupt: (queue) => interrupts.push(queue),
  });
  guest.start(device);
  expect(device.status).toBe(0x0f);
  const out = new Uint8Array(4096).map((_, at) => at * 7);
  guest.ask(device, { type: VirtioBlkRequestType.OUT, sector: 8, out });
  guest.ask(device, { type: VirtioBlkRequestType.FLUSH });
  guest.ask(device, { type: VirtioBlkRequestType.IN, sector: 8, inLength: 4096 });
  guest.ask(device, { type: VirtioBlkRequestType.GET_ID, inLength: 20 });
  const [write, flush, read, id] = guest.collect();
  expect([write?.status, write?.written]).toEqual([VirtioBlkStatus.OK, 1]);
  expect([flush?.status, flush?.written]).toEqual([VirtioBlkStatus.OK, 1]);
  expect([read?.status, read?.written]).toEqual([VirtioBlkStatus.OK, 4097]);
  expect(read?.data).toEqual(out);
  expect([id?.status, id?.written]).toEqual([VirtioBlkStatus.OK, 21]);
  expect(String.fromCharCode(...(id?.data ?? []))).toBe("disk-0123456789-0123");
  expect(interrupts.length).toBeGreaterThan(0);
  await driver.close();
});
