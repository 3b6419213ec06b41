import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import { writeCpio, type CpioEntry } from "./cpio.ts";
import { findProgram } from "./program-files.ts";

const entries: CpioEntry[] = [
  { path: "bin", content: { type: "folder" } },
  { path: "bin/sh", content: { type: "link", target: "busybox" } },
  { path: "bin/tool", content: { type: "file", bytes: Buffer.from("#!x"), executable: true } },
  { path: "text", content: { type: "file", bytes: Buffer.from("12345"), executable: false } },
];

test("the same entries give the same bytes, in whole words of four", () => {
  const archive = writeCpio(entries);
  expect(archive.length % 4).toBe(0);
  expect(writeCpio(entries)).toEqual(archive);
});

test.skipIf(findProgram("cpio") === undefined)("cpio reads it", () => {
  const folder = mkdtempSync(join(tmpdir(), "rehandle-cpio-"));
  try {
    writeFileSync(join(folder, "archive"), writeCpio(entries));
    const { status, stderr } = spawnSync("cpio", ["--extract", "--quiet", "-F", "archive"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(readlinkSync(join(folder, "bin/sh"))).toBe("busybox");
    expect(statSync(join(folder, "bin/tool")).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(folder, "text"), "latin1")).toBe("12345");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a device has its numbers in the header", () => {
  const archive = Buffer.from(writeCpio([{ path: "c", content: { type: "character device", major: 5, minor: 1 } }]));
  // magic, then 13 fields of eight digits; the tenth and eleventh are the device's.
  expect(archive.toString("latin1", 6 + 9 * 8, 6 + 11 * 8)).toBe("0000000500000001");
  expect(archive.toString("latin1", 6 + 8, 6 + 16)).toBe("00002180");
});
