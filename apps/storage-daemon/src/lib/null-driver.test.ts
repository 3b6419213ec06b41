import { createBlockClient, createRandom, createVirtualClock } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";
import { createNullDriver } from "./null-driver.ts";

test("takes everything, keeps nothing", async () => {
  const driver = createNullDriver({ size: 4096 });
  const clock = createVirtualClock();
  await driver.open({ clock, random: createRandom(1), held: false, onEvent: () => undefined });
  const client = createBlockClient(driver);
  await client.write(0, new Uint8Array(4096).fill(1), { fua: true });
  const buffer = new Uint8Array(512).fill(9);
  await client.readInto(0, buffer);
  expect(buffer.every((byte) => byte === 0)).toBe(true);
  await client.flush();
  await client.discard(0, 512);
  await client.writeZeroes(0, 512, { noFallback: true });
  expect(await client.blockStatus(0, 4096)).toEqual([{ length: 4096, hole: true, zero: true }]);
  await expect(client.read(4000, 200)).rejects.toMatchObject({ code: "EINVAL" });
  await driver.close();
});

test("takes its time if it is told so, but not to close", async () => {
  const driver = createNullDriver({ size: 4096, latencyMs: 5 });
  const clock = createVirtualClock();
  await driver.open({ clock, random: createRandom(1), held: false, onEvent: () => undefined });
  const client = createBlockClient(driver);
  let done = 0;
  const reads = [client.read(0, 1), client.read(0, 1)].map((read) => read.then(() => (done += 1)));
  clock.advance(4);
  await Promise.resolve();
  expect(done).toBe(0);
  clock.advance(1);
  await Promise.all(reads);
  const late = client.read(0, 1);
  await driver.close();
  await late;
});
