import { createSystemClock } from "@rehandle/driver-sdk";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { CacheFolder } from "./cache-folder.ts";
import { sleep } from "./sleep.ts";

const clock = createSystemClock();
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rehandle-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("two runs at the same time make an entry once, and both get it whole", async () => {
  let made = 0;
  const make = async (into: string): Promise<void> => {
    made += 1;
    await sleep(clock, 50);
    writeFileSync(join(into, "file"), "whole");
  };
  const caches = [new CacheFolder(clock, folder), new CacheFolder(clock, folder)];
  const paths = await Promise.all(caches.map((cache) => cache.entry("one", make)));
  expect(made).toBe(1);
  expect(paths.map((path) => readFileSync(join(path, "file"), "utf8"))).toEqual(["whole", "whole"]);
  expect(caches[0]?.entries()).toEqual([join(folder, "one")]);
});

test("an entry that could not be made leaves nothing behind, and can be made later", async () => {
  const cache = new CacheFolder(clock, folder);
  await expect(cache.entry("one", () => Promise.reject(new Error("no network")))).rejects.toThrow("no network");
  expect(readdirSync(folder)).toEqual([]);
  expect(existsSync(await cache.entry("one", async () => undefined))).toBe(true);
});

test("the lock of a run that is gone does not stop anybody", async () => {
  // No process has this id: it is beyond the kernel's limit.
  writeFileSync(join(folder, ".lock-one"), String(2 ** 22 + 1));
  expect(existsSync(await new CacheFolder(clock, folder).entry("one", async () => undefined))).toBe(true);
});
