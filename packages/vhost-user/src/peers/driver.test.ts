import { renameSync, rmSync } from "node:fs";
import { createBlockClient, createSystemClock, type BlockDriver, type DriverEvent } from "@rehandle/driver-sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVhostUserDriver } from "../lib/front-end/vhost-user-driver.ts";
import type { BackEnd } from "./testing/back-end.ts";
import { PEERS } from "./testing/peers.ts";
import { until, within } from "./testing/until.ts";

describe.each(PEERS)("a driver on $name", ({ start, is }) => {
  let backEnd: BackEnd;
  let driver: BlockDriver;
  let events: DriverEvent[];

  async function open(): Promise<void> {
    driver = createVhostUserDriver({ path: backEnd.socket, memorySize: 1 << 20 });
    const onEvent = (event: DriverEvent): void => void events.push(event);
    await driver.open({ clock: createSystemClock(), random: () => 0.5, onEvent, held: true });
  }

  beforeEach(async () => {
    events = [];
    backEnd = await start({ size: 4 << 20 });
    await open();
  });

  afterEach(async () => {
    await driver.close();
    await backEnd.remove();
  });

  test("says what the configuration space says", () => {
    expect(driver.capabilities).toMatchObject({
      size: 4 << 20,
      readOnly: false,
      requestAlignment: 512,
      flush: true,
      discard: true,
      writeZeroes: true,
      reportsConnection: true,
      maxTransfer: 256 << 10,
    });
  });

  test("more in flight than shared memory holds waits its turn", async () => {
    const client = createBlockClient(driver);
    const bytes = Buffer.alloc(4 << 20, "0123456789abc");
    await within("writes", client.write(0, bytes), 20_000);
    const pieces = Array.from({ length: 64 }, (_, index) => client.read(index * 65536, 65536));
    expect(Buffer.concat(await within("reads", Promise.all(pieces), 20_000)).equals(bytes)).toBe(true);
  });

  test("ranges longer than a record may be go in pieces", async () => {
    await driver.close();
    await backEnd.remove();
    const size = 3 * 2 ** 30;
    backEnd = await start({ size });
    await open();
    const client = createBlockClient(driver);
    const [mark, places] = [Buffer.alloc(512, 7), [0, 2 ** 30, size - 512]];
    for (const place of places) await client.write(place, mark);
    await within("zeroes", client.writeZeroes(0, size - 512, { mayUnmap: true }), 20_000);
    const found = await Promise.all(places.map(async (place) => (await client.read(place, 512))[0]));
    expect(found).toEqual([0, 0, 7]);
  });

  test("a killed back end is noticed, and connected to again", async () => {
    const client = createBlockClient(driver);
    await client.write(0, Buffer.alloc(4096, 7));
    await client.flush();
    await backEnd.kill();
    await until("the loss is told", () => events.some(({ type }) => type === "disconnected"));
    await expect(client.read(0, 512)).rejects.toMatchObject({ errorClass: "transport" });
    await backEnd.start();
    await until("the return is told", () => events.some(({ type }) => type === "connected"));
    expect(await client.read(0, 512)).toEqual(new Uint8Array(512).fill(7));
    expect(events).toMatchObject([{ type: "disconnected" }, { type: "connected", generation: 1, instance: null }]);
  });

  test("requests in flight at a kill complete, once each", async () => {
    const client = createBlockClient(driver);
    const sent = Array.from({ length: 200 }, (_, index) => client.write((index % 64) * 65536, Buffer.alloc(65536)));
    const settled = Promise.allSettled(sent);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await backEnd.kill();
    const results = await within("all", settled);
    expect(results.length).toBe(200);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ errorClass: "transport" });
    }
  });

  test("a back end that comes back smaller is refused", async () => {
    await driver.close();
    await backEnd.resize(2 << 20);
    await backEnd.kill();
    await backEnd.start();
    await open();
    expect(driver.capabilities.size).toBe(2 << 20);
    const small = await start({ size: 1 << 20 });
    try {
      await backEnd.kill();
      rmSync(backEnd.socket, { force: true });
      if (!small.isAlive()) await small.start();
      renameSync(small.socket, backEnd.socket);
      await until("the refusal is told", () => events.some(({ type }) => type === "refused"));
      expect(events.filter(({ type }) => type === "connected")).toEqual([]);
    } finally {
      await small.remove();
    }
  });

  test.runIf(is.resizeHeard)("a resize is told", async () => {
    await backEnd.resize(8 << 20);
    await until("it is told", () => events.length > 0);
    expect(events).toEqual([{ type: "resized", size: 8 << 20 }]);
    const client = createBlockClient(driver);
    await client.write(7 << 20, Buffer.alloc(512, 1));
  });
});
