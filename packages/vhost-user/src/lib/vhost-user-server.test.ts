import fs from "node:fs";
import { createMemoryDriver } from "@rehandle/driver-memory";
import { createRandom, createSystemClock } from "@rehandle/driver-sdk";
import { VirtioBlkRequestType } from "@rehandle/virtio-blk";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { countDescriptors, countMappings, startServer, until } from "./back-end/testing/test-server.ts";
import type { TestServer } from "./back-end/testing/test-server.ts";
import { HeldDriver } from "./back-end/testing/held-driver.ts";
import { createBlockQueue } from "./front-end/block-queue.ts";
import type { BlockQueue } from "./front-end/block-queue.ts";
import { connectVhostUser } from "./front-end/connect-vhost-user.ts";
import type { FrontEndEvent, VhostUserFrontEndOptions } from "./front-end/front-end-options.ts";
import type { VhostUserFrontEnd } from "./front-end/front-end.ts";
import { createVhostUserServer } from "./vhost-user-server.ts";

const { IN, OUT } = VirtioBlkRequestType;

interface Guest {
  readonly frontEnd: VhostUserFrontEnd;
  readonly queues: readonly BlockQueue[];
  readonly events: FrontEndEvent[];
  /** One page of memory for data. */
  readonly address: number;
  readonly data: Uint8Array;
}

const servers: TestServer[] = [];
const guests: Guest[] = [];
let descriptors = 0;
let mappings = 0;

beforeAll(async () => {
  // What is opened once and for all is open before anything is counted.
  const { path, close } = await startServer();
  (await connectVhostUser({ path })).close();
  await close();
});
beforeEach(() => {
  descriptors = countDescriptors();
  mappings = countMappings();
});
afterEach(async () => {
  for (const guest of guests.splice(0)) guest.frontEnd.close();
  for (const server of servers.splice(0)) await server.close();
  await until(() => countDescriptors() === descriptors);
  await until(() => countMappings() === mappings);
});

async function start(options: Parameters<typeof startServer>[0] = {}): Promise<TestServer> {
  const server = await startServer(options);
  servers.push(server);
  return server;
}

async function boot(options: VhostUserFrontEndOptions): Promise<Guest> {
  const events: FrontEndEvent[] = [];
  const frontEnd = await connectVhostUser({ ...options, onEvent: (event) => events.push(event) });
  const queues = frontEnd.vrings.map(({ index }) => createBlockQueue(frontEnd, index));
  const address = frontEnd.memory.allocate(4096, 4096);
  const guest = { frontEnd, queues, events, address, data: frontEnd.memory.bytes(address, 4096) };
  guests.push(guest);
  await frontEnd.start();
  return guest;
}

/** Moves the guest's page to or from the disk; resolves with the status, −1 if it never came back. */
function move(guest: Guest, type: number, sector: number, queue = 0): Promise<number> {
  return new Promise((resolve) => {
    guest.queues[queue]?.submit({
      type,
      sector,
      data: [{ address: guest.address, length: 4096 }],
      deviceWrites: type === IN,
      complete: (_, status) => resolve(status),
      owner: null,
    });
  });
}

test("what is written through one queue is read through another, and by the next front end", async () => {
  const { path, reasons } = await start({ numQueues: 2 });
  const guest = await boot({ path });
  guest.data.fill(7);
  expect(await move(guest, OUT, 8, 0)).toBe(0);
  guest.data.fill(0);
  expect(await move(guest, IN, 8, 1)).toBe(0);
  expect(guest.data.every((byte) => byte === 7)).toBe(true);
  guest.frontEnd.close();
  await until(() => reasons().length === 1);
  const next = await boot({ path });
  expect(await move(next, IN, 8, 1)).toBe(0);
  expect(next.data.every((byte) => byte === 7)).toBe(true);
  expect(reasons()).toEqual([null]);
});

test("a second front end waits until the first has left", async () => {
  const { path } = await start();
  const first = await boot({ path });
  let arrived = false;
  const second = boot({ path }).then((guest) => {
    arrived = true;
    return guest;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(arrived).toBe(false);
  first.frontEnd.close();
  expect(await move(await second, OUT, 0)).toBe(0);
});

test("a new size is told, and usable", async () => {
  const driver = createMemoryDriver({ size: 1 << 20 });
  const { path, server } = await start({ driver });
  const guest = await boot({ path });
  expect(await move(guest, OUT, 4096)).toBe(1);
  await driver.resize?.(4 << 20);
  server.notifyResized();
  await until(() => guest.events.some((event) => event.type === "config-changed"));
  expect(guest.frontEnd.config.capacity).toBe(8192);
  expect(await move(guest, OUT, 4096)).toBe(0);
});

test.each([
  ["with", undefined],
  ["without", 1n << 3n],
])("packed rings stop and start where they stopped, %s an inflight region", async (_, protocolFeatures) => {
  const { path } = await start();
  const guest = await boot({
    path,
    ...(protocolFeatures !== undefined && { protocolFeatures }),
    features: (1n << 34n) | (1n << 32n) | (1n << 30n),
    queueSize: 7,
  });
  for (let round = 0; round < 5; round += 1) {
    for (let sector = 0; sector < 10; sector += 1) expect(await move(guest, OUT, sector * 8)).toBe(0);
    await guest.frontEnd.stop();
    await guest.frontEnd.start();
  }
});

test("what is unfinished when the queues stop is done after the next start", async () => {
  const driver = new HeldDriver();
  const { path } = await start({ driver, stopPatience: 5 });
  const guest = await boot({ path });
  guest.data.fill(3);
  const done = move(guest, OUT, 8);
  await until(() => driver.requests.length === 1);
  await guest.frontEnd.stop();
  await guest.frontEnd.start();
  // The first attempt may still land, so the second one waits for it.
  expect(driver.requests).toHaveLength(1);
  driver.completeNext();
  await until(() => driver.requests.length === 1);
  expect(driver.requests[0]?.iov[0]?.[0]).toBe(3);
  driver.completeNext();
  expect(await done).toBe(0);
});

test("what is unfinished is put back into the ring for those who keep no inflight region", async () => {
  const driver = new HeldDriver();
  const { path } = await start({ driver, stopPatience: 5 });
  const guest = await boot({ path, protocolFeatures: 1n << 3n });
  const done = [move(guest, IN, 8), move(guest, IN, 16)];
  await until(() => driver.requests.length === 2);
  await guest.frontEnd.stop();
  expect(guest.frontEnd.vrings[0]?.base).toBe(0);
  await guest.frontEnd.start();
  await until(() => driver.requests.length === 4);
  while (driver.requests.length > 0) driver.completeNext();
  expect(await Promise.all(done)).toEqual([0, 0]);
});

test("requests that complete within the patience are not done again", async () => {
  const driver = new HeldDriver();
  const { path } = await start({ driver, stopPatience: 5000 });
  const guest = await boot({ path });
  const done = move(guest, OUT, 8);
  await until(() => driver.requests.length === 1);
  const stopped = guest.frontEnd.stop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  driver.completeNext();
  await stopped;
  expect(await done).toBe(0);
  await guest.frontEnd.start();
  expect(driver.requests).toHaveLength(0);
});

test("storage that does not let go of a write keeps the bytes that the guest wrote", async () => {
  const driver = new HeldDriver();
  const { path } = await start({ driver, stopPatience: 1 });
  const guest = await boot({ path });
  guest.data.fill(1);
  void move(guest, OUT, 8);
  await until(() => driver.requests.length === 1);
  const held = driver.requests[0];
  await guest.frontEnd.stop();
  guest.data.fill(2);
  expect(held?.iov.every((part) => part.every((byte) => byte === 1))).toBe(true);
  driver.completeNext();
});

test("storage that does not let go of a read cannot reach the guest after a stop", async () => {
  const driver = new HeldDriver();
  const { path } = await start({ driver, stopPatience: 1 });
  const guest = await boot({ path });
  guest.data.fill(1);
  void move(guest, IN, 8);
  await until(() => driver.requests.length === 1);
  const held = driver.requests[0];
  await guest.frontEnd.stop();
  for (const part of held?.iov ?? []) part.fill(9);
  expect(guest.data.every((byte) => byte === 1)).toBe(true);
  await guest.frontEnd.start();
  // A read fences nothing: the attempt of the new start is there at once, in memory that is the guest's.
  await until(() => driver.requests.length === 2);
  for (const part of driver.requests[1]?.iov ?? []) part.fill(5);
  expect(guest.data.every((byte) => byte === 5)).toBe(true);
  driver.completeNext();
  driver.completeNext();
});

test("storage that does not let go cannot reach the guest after a reset, which is done at once", async () => {
  const driver = new HeldDriver();
  const { path } = await start({ driver, stopPatience: 60_000 });
  const guest = await boot({ path });
  guest.data.fill(1);
  const lost = move(guest, IN, 8);
  await until(() => driver.requests.length === 1);
  await guest.frontEnd.resetDevice();
  expect(await lost).toBe(-1);
  for (const part of driver.requests[0]?.iov ?? []) part.fill(9);
  expect(guest.data.every((byte) => byte === 1)).toBe(true);
  driver.completeNext();
});

test("memory stays mapped for storage that does not let go after the front end left, and no longer", async () => {
  const driver = new HeldDriver();
  const { path, reasons } = await start({ driver });
  const guest = await boot({ path });
  guest.data.fill(1);
  void move(guest, OUT, 8);
  await until(() => driver.requests.length === 1);
  guest.frontEnd.close();
  await until(() => reasons().length === 1);
  expect(driver.requests[0]?.iov[0]?.[4095]).toBe(1);
  expect(countMappings()).toBeGreaterThan(mappings);
  driver.completeNext();
  await until(() => countMappings() === mappings);
});

test("writes are logged while a front end migrates", async () => {
  const { path } = await start();
  const guest = await boot({ path });
  const log = await guest.frontEnd.startDirtyLog();
  guest.data.fill(4);
  expect(await move(guest, OUT, 8)).toBe(0);
  expect(log.takeDirtyPages()).not.toContain(guest.address);
  expect(await move(guest, IN, 8)).toBe(0);
  expect(log.takeDirtyPages()).toContain(guest.address);
  await guest.frontEnd.stopDirtyLog();
  expect(await move(guest, IN, 8)).toBe(0);
});

test("memory comes and goes while queues run", async () => {
  const { path, reasons } = await start();
  const guest = await boot({ path });
  const added = await guest.frontEnd.addMemory({ guestAddress: 2 ** 32, size: 1 << 20 });
  expect(await move(guest, OUT, 8)).toBe(0);
  await guest.frontEnd.removeMemory(added.guestAddress);
  expect(await move(guest, IN, 8)).toBe(0);
  expect(reasons()).toEqual([]);
});

test("what a back end had when it ended is done by the next, from the inflight region", async () => {
  const driver = new HeldDriver();
  const first = await start({ driver });
  const guest = await boot({ path: first.path });
  guest.data.fill(6);
  const done = move(guest, OUT, 8);
  await until(() => driver.requests.length === 1);
  await first.server.close();
  await until(() => guest.events.some((event) => event.type === "disconnected"));
  driver.completeNext();
  await start({ path: first.path });
  await guest.frontEnd.reconnect();
  await guest.frontEnd.start();
  expect(await done).toBe(0);
  guest.data.fill(0);
  expect(await move(guest, IN, 8)).toBe(0);
  expect(guest.data.every((byte) => byte === 6)).toBe(true);
});

test("a front end's requests may complete before the server closes", async () => {
  const driver = new HeldDriver();
  const { path, server } = await start({ driver });
  const guest = await boot({ path });
  const done = move(guest, OUT, 8);
  await until(() => driver.requests.length === 1);
  const closed = server.close({ graceMs: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  driver.completeNext();
  await closed;
  expect(await done).toBe(0);
});

test("a socket that nobody listens on is replaced, one that somebody listens on is not", async () => {
  const { path } = await start();
  const driver = createMemoryDriver({ size: 1 << 20 });
  const clock = createSystemClock();
  await driver.open({ clock, random: createRandom(1), onEvent: () => undefined, held: false });
  const other = createVhostUserServer({ driver, clock, path });
  await expect(other.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
  await other.close();
  expect(fs.existsSync(path)).toBe(true);
});
