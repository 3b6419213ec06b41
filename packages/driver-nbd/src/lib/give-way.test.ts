import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "@rehandle/driver-sdk";
import { loadSockets } from "@rehandle/linux-sockets";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDriver, systemClock } from "../testing/opened-driver.ts";
import { serveMemory } from "../testing/own-server.ts";

const hasSockets = (await loadSockets()) !== null;
if (!hasSockets) console.warn("NOT RUN: giving way to the server: koffi is missing, or this is not Linux");

let folder: string;
let stop: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "rehandle-nbd-"));
  stop = await serveMemory(join(folder, "nbd"), 1 << 20);
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

test.runIf(hasSockets)("gives way before it receives, but only with many requests under way", async () => {
  // Nothing else that the driver does while all is well needs the time.
  let asked = 0;
  const now = (): number => {
    asked += 1;
    return systemClock.now();
  };
  const clock: Clock = { ...systemClock, now };
  const { driver, submit } = await openDriver({ server: { type: "unix", path: join(folder, "nbd") } }, { clock });
  const read = async (count: number): Promise<number> => {
    asked = 0;
    const requests = Array.from({ length: count }, () =>
      submit({ operation: "read", offset: 0, length: 512, iov: [new Uint8Array(512)] }),
    );
    for (const { done } of requests) expect(await done).toBeNull();
    return asked;
  };
  try {
    expect(await read(15)).toBe(0);
    expect(await read(16)).toBeGreaterThan(0);
  } finally {
    await driver.close();
  }
});
