import { truncateSync } from "node:fs";

import { createVirtualClock } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import {
  difference,
  faultyFileSystem,
  nextTurn,
  openBed,
  pattern,
  systemError,
  temporaryFile,
} from "../testing/test-bed.ts";
import { nodeFileSystem } from "./file-system.ts";

test.each([
  ["through the driver's buffers", 65_536],
  ["straight", 0],
])("a read of a file that became shorter fails rather than inventing zeroes, %s", async (_name, copyLimit) => {
  const filename = temporaryFile(16_384);
  const bed = await openBed({ filename, copyLimit });
  truncateSync(filename, 6000);
  expect(difference(await bed.client.read(0, 6000), new Uint8Array(6000))).toBe(-1);
  for (const offset of [4096, 8192]) {
    await expect(bed.client.read(offset, 4096)).rejects.toMatchObject({
      code: "EIO",
      errorClass: "storage",
      operation: "read",
      offset,
      length: 4096,
    });
  }
});

test("a write that makes no progress fails", async () => {
  const fileSystem = faultyFileSystem({ write: (_fd, _buffer, _from, _length, _position, done) => done(null, 0) });
  const bed = await openBed({ filename: temporaryFile(4096), fileSystem });
  await expect(bed.client.write(0, pattern(100))).rejects.toMatchObject({ code: "EIO", operation: "write" });
});

test.each([
  ["EIO", "storage"],
  ["ENOSPC", "no-space"],
  ["EDQUOT", "no-space"],
  ["EROFS", "permanent"],
  ["ESTALE", "transport"],
])("%s in the middle of a write has class %s", async (code, errorClass) => {
  let calls = 0;
  const fileSystem = faultyFileSystem({
    write(fd, buffer, from, _length, position, done) {
      calls += 1;
      if (calls === 1) nodeFileSystem.write(fd, buffer, from, 100, position, done);
      else done(systemError(code), 0);
    },
  });
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem });
  const expected = { code, errorClass, operation: "write", offset: 512, length: 4096 };
  await expect(bed.client.write(512, pattern(4096))).rejects.toMatchObject(expected);
  expect(calls).toBe(2);
});

test("a call that would have to wait is made again on the clock, and not for ever", async () => {
  const clock = createVirtualClock();
  let calls = 0;
  const fileSystem = faultyFileSystem({
    write(_fd, _buffer, _from, _length, _position, done) {
      calls += 1;
      done(systemError("EAGAIN"), 0);
    },
  });
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem, closeTimeout: 0 }, { clock });
  const write = bed.submit({ operation: "write", length: 10, iov: [pattern(10)] });
  await nextTurn();
  expect(calls).toBe(1);
  clock.advance(1000);
  expect(await write.done).toMatchObject({ code: "EAGAIN" });
  expect(calls).toBe(101);
});

test("O_DIRECT goes on at an aligned offset after a transfer that was cut anywhere", async () => {
  const positions: number[] = [];
  let cut = true;
  const fileSystem = faultyFileSystem({
    write(fd, buffer, from, length, position, done) {
      positions.push(position);
      // The kernel wrote more than it says: what is past an aligned offset is simply written again.
      const short = cut ? 5000 : length;
      cut = false;
      nodeFileSystem.write(fd, buffer, from, length, position, (error) => done(error, short));
    },
  });
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem, cacheDirect: true });
  const unit = bed.capabilities.requestAlignment;
  await bed.client.write(8192, pattern(16_384));
  expect(positions).toEqual([8192, 8192 + 5000 - (5000 % unit)]);
  expect(difference(await bed.client.read(8192, 16_384), pattern(16_384))).toBe(-1);
});

test("O_DIRECT moves what is longer than its buffers in pieces", async () => {
  const bed = await openBed({ filename: temporaryFile(4 * 1024 * 1024), cacheDirect: true });
  const data = pattern(1_048_576 + 8192);
  await bed.client.write(4096, data);
  expect(difference(await bed.client.read(4096, data.length), data)).toBe(-1);
  await bed.client.writeZeroes(8192, 524_288);
  data.fill(0, 4096, 4096 + 524_288);
  expect(difference(await bed.client.read(4096, data.length), data)).toBe(-1);
});
