import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { loopUnavailable, prerequisite, runProgram, mountUnavailable } from "../testing/prerequisite.ts";
import { difference, openBed, pattern, temporaryFile, temporaryFolder } from "../testing/test-bed.ts";

const MIB = 1_048_576;

const canMount = prerequisite("a full file system", mountUnavailable());
const canLoop = prerequisite("block devices", loopUnavailable());

/** A tmpfs that is unmounted when the test ended. */
function smallTmpfs(size: number): string {
  const folder = temporaryFolder();
  runProgram("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
  onTestFinished(() => void runProgram("umount", "-l", folder));
  return folder;
}

/** A loop device over a new file, detached when the test ended. */
function loopDevice(size: number, ...options: string[]): { device: string; backing: string } {
  return loopOver(temporaryFile(size), ...options);
}

function loopOver(backing: string, ...options: string[]): { device: string; backing: string } {
  const device = runProgram("losetup", "--find", "--show", ...options, backing).trim();
  onTestFinished(() => void runProgram("losetup", "--detach", device));
  return { device, backing };
}

test.runIf(canMount)("a full file system says ENOSPC, and works again when there is space", async () => {
  const folder = smallTmpfs(MIB);
  const filename = temporaryFile(8 * MIB, folder);
  const bed = await openBed({ filename, discard: "unmap" });
  const expected = { code: "ENOSPC", errorClass: "no-space", operation: "write", offset: 0, length: 2 * MIB };
  await expect(bed.client.write(0, pattern(2 * MIB))).rejects.toMatchObject(expected);
  expect(statfsSync(folder).bfree).toBe(0);
  // What fitted was written.
  expect(difference(await bed.client.read(0, 65_536), pattern(65_536))).toBe(-1);
  await expect(bed.client.write(4 * MIB, pattern(4096))).rejects.toMatchObject({ code: "ENOSPC" });
  await bed.client.writeZeroes(0, 2 * MIB, { mayUnmap: true });
  await bed.client.write(4 * MIB, pattern(4096));
  expect(difference(await bed.client.read(4 * MIB, 4096), pattern(4096))).toBe(-1);
});

test.runIf(canMount)("zeroes that must be allocated do not fit into a full file system", async () => {
  const filename = temporaryFile(8 * MIB, smallTmpfs(MIB));
  const bed = await openBed({ filename });
  const expected = { code: "ENOSPC", errorClass: "no-space", operation: "write-zeroes" };
  await expect(bed.client.writeZeroes(0, 2 * MIB)).rejects.toMatchObject(expected);
});

test.runIf(canLoop)("a block device is read, written, zeroed and flushed", async () => {
  const { device, backing } = loopDevice(8 * MIB);
  const bed = await openBed({ filename: device, discard: "unmap" });
  expect(bed.capabilities).toMatchObject({ size: 8 * MIB, readOnly: false, resize: false, requestAlignment: 1 });
  const model = new Uint8Array(8 * MIB);
  const write = async (offset: number, data: Uint8Array): Promise<void> => {
    await bed.client.write(offset, data);
    model.set(data, offset);
  };
  await write(0, pattern(2 * MIB));
  await write(5 * MIB + 17, pattern(1001, 3));
  await bed.client.writeZeroes(4096, 65_536);
  model.fill(0, 4096, 4096 + 65_536);
  await bed.client.writeZeroes(100_001, 700);
  model.fill(0, 100_001, 100_701);
  expect(difference(await bed.client.read(0, 8 * MIB), model)).toBe(-1);
  expect(await bed.client.blockStatus(0, 8 * MIB)).toEqual([{ length: 8 * MIB, hole: false, zero: false }]);
  expect(bed.driver.resize === undefined).toBe(true);
  await bed.client.flush();
  expect(difference(Uint8Array.from(readFileSync(backing)), model)).toBe(-1);
  if (!bed.capabilities.discard) throw new Error("a loop device over a file can discard");
  const before = Number(runProgram("stat", "--format=%b", backing));
  // The blocks at both ends are not whole and stay.
  await bed.client.discard(MIB + 1, MIB - 2);
  expect(Number(runProgram("stat", "--format=%b", backing))).toBeLessThan(before - 1900);
  expect((await bed.client.read(MIB, 1))[0]).toBe(model[MIB]);
});

test.runIf(canLoop)("a block device with blocks of 4096 bytes and O_DIRECT", async () => {
  const { device, backing } = loopDevice(8 * MIB, "--sector-size", "4096");
  const bed = await openBed({ filename: device, cacheDirect: true });
  expect(bed.capabilities).toMatchObject({ size: 8 * MIB, requestAlignment: 4096 });
  await bed.client.write(4096, pattern(8192));
  expect(difference(await bed.client.read(4096, 8192), pattern(8192))).toBe(-1);
  await expect(bed.client.write(512, pattern(512))).rejects.toMatchObject({ code: "EINVAL" });
  await bed.client.flush();
  expect(difference(Uint8Array.from(readFileSync(backing).subarray(4096, 12_288)), pattern(8192))).toBe(-1);
});

test.runIf(canLoop)("a read-only block device", async () => {
  const { device } = loopDevice(MIB, "--read-only");
  await expect(openBed({ filename: device })).rejects.toMatchObject({
    code: expect.stringMatching(/EACCES|EPERM|EROFS/),
  });
  const bed = await openBed({ filename: device, autoReadOnly: true });
  expect(bed.capabilities).toMatchObject({ readOnly: true, size: MIB });
  expect(difference(await bed.client.read(0, MIB), new Uint8Array(MIB))).toBe(-1);
});

test.runIf(canLoop && canMount)("Linux tells of lost writes once, the driver for ever", async () => {
  // The device has room, what is below it has not: the page cache takes the write, and its write-back fails.
  const { device } = loopOver(temporaryFile(8 * MIB, smallTmpfs(MIB)));
  const bed = await openBed({ filename: device });
  await bed.client.write(0, pattern(4 * MIB));
  const first: unknown = await bed.client.flush().catch((error: unknown) => error);
  expect(first).toMatchObject({ code: expect.stringMatching(/EIO|ENOSPC/), errorClass: "permanent" });
  const other = openSync(device, "r+");
  onTestFinished(() => closeSync(other));
  fdatasyncSync(other);
  await expect(bed.client.flush()).rejects.toMatchObject({ code: "EIO", errorClass: "permanent", cause: first });
  await expect(bed.client.write(0, pattern(512), { fua: true })).rejects.toMatchObject({ errorClass: "permanent" });
});

test("a symbolic link is followed", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "target"), pattern(1000));
  runProgram("ln", "-s", "target", join(folder, "link"));
  const bed = await openBed({ filename: join(folder, "link"), readOnly: true });
  expect(difference(await bed.client.read(0, 1000), pattern(1000))).toBe(-1);
});

test("a file that was removed is still there for who has it open", async () => {
  const filename = temporaryFile(4096);
  const bed = await openBed({ filename });
  rmSync(filename);
  await bed.client.write(0, pattern(4096));
  expect(difference(await bed.client.read(0, 4096), pattern(4096))).toBe(-1);
});
