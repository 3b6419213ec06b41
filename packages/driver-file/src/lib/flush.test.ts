import { isBlockError, RequestFlag } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { faultyFileSystem, nextTurn, openBed, pattern, systemError, temporaryFile } from "../testing/test-bed.ts";
import { nodeFileSystem, type Done, type FileSystem } from "./file-system.ts";

/** fdatasync fails with `codes` in turn, and then succeeds, as Linux does. */
function syncFailing(codes: string[]): { fileSystem: FileSystem; syncs: () => number } {
  let calls = 0;
  const fileSystem = faultyFileSystem({
    fdatasync(fd, done) {
      calls += 1;
      const code = codes.shift();
      if (code === undefined) nodeFileSystem.fdatasync(fd, done);
      else setImmediate(done, systemError(code));
    },
  });
  return { fileSystem, syncs: () => calls };
}

test.each(["EIO", "ENOSPC", "EDQUOT"])(
  "a flush that failed with %s fails for ever, although Linux says success",
  async (code) => {
    const { fileSystem, syncs } = syncFailing([code]);
    const filename = temporaryFile(8192);
    const bed = await openBed({ filename, fileSystem });
    await bed.client.write(0, pattern(4096));
    const first: unknown = await bed.client.flush().catch((error: unknown) => error);
    expect(first).toMatchObject({ code, errorClass: "permanent", operation: "flush" });
    for (let round = 0; round < 3; round += 1) {
      const later: unknown = await bed.client.flush().catch((error: unknown) => error);
      expect(later).toMatchObject({ code: "EIO", errorClass: "permanent", operation: "flush" });
      expect(isBlockError(later) && later.cause).toBe(first);
    }
    expect(syncs()).toBe(1);
    // Reads and plain writes go on; what asks to be stable does not.
    await bed.client.write(0, pattern(4096, 2));
    expect(await bed.client.read(0, 4096)).toEqual(pattern(4096, 2));
    const fua = { fua: true };
    await expect(bed.client.write(0, pattern(4096, 3), fua)).rejects.toMatchObject({ errorClass: "permanent" });
    expect(await bed.client.read(0, 4096)).toEqual(pattern(4096, 2));
    // Opened anew, all is well.
    const again = await openBed({ filename, fileSystem });
    await again.client.write(0, pattern(4096, 3), fua);
    await again.client.flush();
  },
);

test("the failed flush of a FUA write counts as well", async () => {
  const { fileSystem } = syncFailing(["EIO"]);
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem });
  await expect(bed.client.write(0, pattern(10), { fua: true })).rejects.toMatchObject({ errorClass: "permanent" });
  await expect(bed.client.flush()).rejects.toMatchObject({ code: "EIO", errorClass: "permanent" });
});

test("with O_DIRECT a flush may succeed after one that failed", async () => {
  const { fileSystem } = syncFailing(["EIO"]);
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem, cacheDirect: true });
  await bed.client.write(0, pattern(4096));
  await expect(bed.client.flush()).rejects.toMatchObject({ code: "EIO", errorClass: "storage" });
  await bed.client.flush();
});

test("an interrupted flush is made again", async () => {
  const { fileSystem, syncs } = syncFailing(["EINTR", "EINTR"]);
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem });
  await bed.client.flush();
  expect(syncs()).toBe(3);
});

test("FUA syncs after the write, and a plain write does not", async () => {
  const order: string[] = [];
  const fileSystem = faultyFileSystem({
    write(fd, buffer, from, length, position, done) {
      nodeFileSystem.write(fd, buffer, from, length, position, (error, bytes) => {
        order.push("write");
        done(error, bytes);
      });
    },
    fdatasync(fd, done) {
      order.push("fdatasync");
      nodeFileSystem.fdatasync(fd, done);
    },
  });
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem, systemCalls: null });
  await bed.client.write(0, pattern(10));
  expect(order).toEqual(["write"]);
  await bed.client.write(0, pattern(10), { fua: true });
  expect(order).toEqual(["write", "write", "fdatasync"]);
  await bed.client.writeZeroes(0, 10, { fua: true });
  expect(order).toEqual(["write", "write", "fdatasync", "write", "fdatasync"]);
  const read = bed.submit({ operation: "read", length: 1, flags: RequestFlag.FUA, iov: [new Uint8Array(1)] });
  expect(await read.done).toBeNull();
  expect(order).toHaveLength(5);
});

test("flushes that wait share one fdatasync, but never one that began before them", async () => {
  const pending: Done[] = [];
  const fileSystem = faultyFileSystem({ fdatasync: (_fd, done) => void pending.push(done) });
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem });
  const [first, second, third] = [1, 2, 3].map(() => bed.submit({ operation: "flush" }));
  expect(pending).toHaveLength(1);
  pending[0]?.(null);
  expect(first?.completions).toBe(1);
  expect(second?.completions).toBe(0);
  expect(pending).toHaveLength(2);
  pending[1]?.(null);
  expect([second?.completions, third?.completions]).toEqual([1, 1]);
  await nextTurn();
  expect(pending).toHaveLength(2);
});
