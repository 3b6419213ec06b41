import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { isBlockError } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { runProgram } from "../testing/prerequisite.ts";
import {
  deferred,
  faultyFileSystem,
  nextTurn,
  openBed,
  systemError,
  temporaryFile,
  temporaryFolder,
  testContext,
} from "../testing/test-bed.ts";
import { createFileDriver } from "./create-file-driver.ts";
import { searchSize } from "./device-facts.ts";
import type { FileDriverOptions } from "./file-driver-options.ts";
import { nodeFileSystem } from "./file-system.ts";

async function refusal(options: FileDriverOptions): Promise<{ message: string; code: string; operation: unknown }> {
  const error: unknown = await createFileDriver(options)
    .open(testContext())
    .catch((reason: unknown) => reason);
  if (!isBlockError(error)) throw new Error(`Not refused with a BlockError: ${String(error)}`);
  const { message, code, operation } = error;
  return { message, code, operation };
}

test("a missing file", async () => {
  const filename = join(temporaryFolder(), "no.img");
  const message = `Could not open '${filename}': No such file or directory`;
  expect(await refusal({ filename })).toEqual({ message, code: "ENOENT", operation: "open" });
});

test.each([
  ["EACCES", "Permission denied"],
  ["EROFS", "Read-only file system"],
  ["EPERM", "Operation not permitted"],
  ["EMFILE", "Too many open files"],
  ["EBUSY", "Device or resource busy"],
  ["EIO", "Input/output error"],
  ["ESTALE", "Stale file handle"],
])("%s when it is opened", async (code, words) => {
  const filename = temporaryFile(4096);
  const fileSystem = faultyFileSystem({ open: (_path, _flags, done) => done(systemError(code), -1) });
  const message = `Could not open '${filename}': ${words}`;
  expect(await refusal({ filename, fileSystem })).toEqual({ message, code, operation: "open" });
});

test.each([true, false])("a directory, a FIFO and a character device are refused (readOnly %s)", async (readOnly) => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "directory"));
  runProgram("mkfifo", join(folder, "fifo"));
  for (const filename of [join(folder, "directory"), join(folder, "fifo"), "/dev/zero"]) {
    const message = `'file' driver requires '${filename}' to be a regular file or a block device`;
    expect(await refusal({ filename, readOnly })).toEqual({ message, code: "EINVAL", operation: "open" });
  }
});

test("options out of range are refused before anything is opened", () => {
  const bad: Partial<FileDriverOptions>[] = [
    { filename: "" },
    { filename: "a\0b" },
    { copyLimit: -1 },
    { copyLimit: 2 ** 21 },
    { queueDepth: 0 },
    { queueDepth: 1.5 },
    { closeTimeout: Number.NaN },
    { discard: "on" as "unmap" },
  ];
  for (const options of bad) {
    expect(() => createFileDriver({ filename: "x", ...options })).toThrow(expect.objectContaining({ code: "EINVAL" }));
  }
});

test("a file system without O_DIRECT", async () => {
  const filename = temporaryFile(4096);
  const fileSystem = faultyFileSystem({ open: (_path, _flags, done) => done(systemError("EINVAL"), -1) });
  const message = `Could not open '${filename}': filesystem does not support O_DIRECT`;
  expect(await refusal({ filename, fileSystem, cacheDirect: true })).toMatchObject({ message, code: "EINVAL" });
});

test("a file that is not whole blocks cannot be opened with O_DIRECT, and leaves nothing open", async () => {
  const filename = temporaryFile(4096 + 100);
  let open = 0;
  const fileSystem = faultyFileSystem({
    open(path, flags, done) {
      open += 1;
      nodeFileSystem.open(path, flags, done);
    },
    close(fd, done) {
      open -= 1;
      nodeFileSystem.close(fd, done);
    },
  });
  expect(await refusal({ filename, cacheDirect: true, fileSystem })).toMatchObject({ code: "EINVAL" });
  expect(open).toBe(0);
});

test("autoReadOnly opens for reading what cannot be written", async () => {
  const filename = temporaryFile(4096);
  const fileSystem = faultyFileSystem({
    open(path, flags, done) {
      if ((flags & 3) === 0) nodeFileSystem.open(path, flags, done);
      else done(systemError("EROFS"), -1);
    },
  });
  expect((await refusal({ filename, fileSystem })).code).toBe("EROFS");
  const { capabilities, client } = await openBed({ filename, fileSystem, autoReadOnly: true });
  expect(capabilities).toMatchObject({ readOnly: true, resize: false, discard: false });
  await expect(client.write(0, new Uint8Array(1))).rejects.toMatchObject({ code: "EROFS" });
  await client.flush();
});

test("readOnly does not ask for more", async () => {
  const filename = temporaryFile(4096);
  chmodSync(filename, 0o444);
  const before = statSync(filename).mtimeMs;
  const { capabilities, client } = await openBed({ filename, readOnly: true });
  expect(capabilities.readOnly).toBe(true);
  await expect(client.writeZeroes(0, 512)).rejects.toMatchObject({ code: "EROFS" });
  await client.flush();
  expect(statSync(filename).mtimeMs).toBe(before);
});

test("an abort rejects while the system does not answer, and the late file is closed", async () => {
  const filename = temporaryFile(4096);
  const { promise: closed, resolve } = deferred<number>();
  let answer: (() => void) | null = null;
  const fileSystem = faultyFileSystem({
    open: (_path, _flags, done) => {
      answer = () => done(null, 12345);
    },
    close(fd, done) {
      resolve(fd);
      done(null);
    },
  });
  const abort = new AbortController();
  const driver = createFileDriver({ filename, fileSystem });
  const opening = driver.open(testContext({ signal: abort.signal }));
  const rejected = opening.catch((error: unknown) => error);
  // The abort comes when the driver waits for the system.
  while (answer === null) await nextTurn();
  abort.abort();
  expect(await rejected).toMatchObject({ code: "ECANCELED" });
  (answer as () => void)();
  expect(await closed).toBe(12345);
  await driver.close();
});

test("an abort while the open file is looked at closes it, too", async () => {
  const filename = temporaryFile(4096);
  const { promise: closed, resolve } = deferred<number>();
  let opened = -1;
  let answer: (() => void) | null = null;
  const fileSystem = faultyFileSystem({
    fstat(fd, done) {
      opened = fd;
      answer = () => nodeFileSystem.fstat(fd, done);
    },
    close(fd, done) {
      nodeFileSystem.close(fd, (error) => {
        done(error);
        resolve(fd);
      });
    },
  });
  const abort = new AbortController();
  const driver = createFileDriver({ filename, fileSystem });
  const rejected = driver.open(testContext({ signal: abort.signal })).catch((error: unknown) => error);
  while (answer === null) await nextTurn();
  abort.abort();
  expect(await rejected).toMatchObject({ code: "ECANCELED" });
  (answer as () => void)();
  expect(await closed).toBe(opened);
});

test("an abort before the open", async () => {
  const driver = createFileDriver({ filename: temporaryFile(4096) });
  const opening = driver.open(testContext({ signal: AbortSignal.abort() }));
  await expect(opening).rejects.toMatchObject({ code: "ECANCELED" });
});

test("a close while it opens lets go of the file", async () => {
  const filename = temporaryFile(4096);
  let open = 0;
  const fileSystem = faultyFileSystem({
    open(path, flags, done) {
      open += 1;
      nodeFileSystem.open(path, flags, done);
    },
    close(fd, done) {
      open -= 1;
      nodeFileSystem.close(fd, done);
    },
  });
  const driver = createFileDriver({ filename, fileSystem });
  const rejected = driver.open(testContext()).catch((error: unknown) => error);
  await driver.close();
  expect(await rejected).toMatchObject({ code: "ECANCELED" });
  expect(open).toBe(0);
  await expect(driver.open(testContext())).rejects.toMatchObject({ code: "EBADF" });
});

test("the capabilities of a regular file", async () => {
  const driver = createFileDriver({ filename: temporaryFile(10_000) });
  expect(() => driver.capabilities).toThrow(expect.objectContaining({ code: "EBADF" }));
  const bed = await openBed({ filename: temporaryFile(10_000), systemCalls: null });
  expect(bed.capabilities).toEqual({
    size: 10_000,
    readOnly: false,
    requestAlignment: 1,
    preferredBlockSize: 4096,
    maxTransfer: 32 * 1024 * 1024,
    flush: true,
    fua: true,
    discard: false,
    writeZeroes: true,
    fastZero: false,
    blockStatus: false,
    resize: true,
    zeroCopy: false,
    abandon: true,
    reportsConnection: false,
    instance: "fixed",
    multiConn: true,
    rotational: false,
  });
  const straight = await openBed({ filename: temporaryFile(10_000), copyLimit: 0 });
  expect(straight.capabilities).toMatchObject({ zeroCopy: true, abandon: false });
});

test.each([0, 1, 2, 3, 7, 8, 1000, 2 ** 30 + 17])(
  "the size of a device is found by reading: %d blocks",
  async (blocks) => {
    let reads = 0;
    const found = await searchSize(async (offset) => {
      reads += 1;
      return offset < blocks * 512;
    }, 512);
    expect(found).toBe(blocks * 512);
    expect(reads).toBeLessThan(100);
  },
);
