import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

import { difference, pattern } from "../testing/test-bed.ts";
import { NO_CACHED_READS, NOT_CACHED } from "./cached-reader.ts";
import { createPageCacheReader } from "./page-cache-reader.ts";

type Koffi = typeof import("koffi");

const koffi = await import("koffi").then(
  (module): Koffi => module,
  () => null,
);
const folder = fs.mkdtempSync(join(os.tmpdir(), "rehandle-cached-"));
const fd = fs.openSync(join(folder, "disk"), "w+");
fs.writeSync(fd, pattern(4096));
afterAll(() => {
  fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true });
});

function readOnce(reader: ReturnType<typeof createPageCacheReader>, buffer = new Uint8Array(4096)): number {
  return reader!.read(fd, [buffer], 0, 4096);
}

const works = koffi !== null && readOnce(createPageCacheReader(koffi)) === 4096;
if (!works)
  console.warn("NOT RUN: errors of cached reads: this file system or kernel does not do them, or koffi is missing");

/** koffi with the real system, but that the named function fails once with `errno`. */
function failingOnce(real: Koffi, name: string, errno: number): Koffi {
  let shown = 0;
  let failures = 1;
  const libc = real.load(null);
  const func = (called: string, ...types: [string, string[]]): unknown => {
    const call = libc.func(called, ...types);
    return (...parameters: unknown[]): unknown => {
      shown = called === name && failures-- > 0 ? errno : 0;
      return shown === 0 ? call(...parameters) : -1;
    };
  };
  return { ...real, load: () => ({ func }), errno: () => shown || real.errno() } as unknown as Koffi;
}

test
  .runIf(works)
  .each(
    ["preadv2", "syscall"].flatMap((name) =>
      (["EIO", "EINTR", "ENOMEM", "EAGAIN", "ESTALE"] as const).map((code) => [name, code] as const),
    ),
  )("after a %s that failed with %s the page cache is read again", (name, code) => {
  const reader = createPageCacheReader(failingOnce(koffi!, name, os.constants.errno[code]));
  const buffer = new Uint8Array(4096);
  expect([readOnce(reader, buffer), readOnce(reader, buffer)]).toEqual([NOT_CACHED, 4096]);
  expect(difference(buffer, pattern(4096))).toBe(-1);
});

test
  .runIf(works)
  .each(
    ["preadv2", "syscall"].flatMap((name) =>
      (["EOPNOTSUPP", "ENOSYS", "EINVAL", "EPERM"] as const).map((code) => [name, code] as const),
    ),
  )("%s that fails with %s is never tried again", (name, code) => {
  const reader = createPageCacheReader(failingOnce(koffi!, name, os.constants.errno[code]));
  expect(readOnce(reader)).toBe(NO_CACHED_READS);
});
