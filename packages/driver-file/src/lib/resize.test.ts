import { statSync } from "node:fs";

import { expect, test } from "vitest";

import { faultyFileSystem, nextTurn, openBed, pattern, systemError, temporaryFile } from "../testing/test-bed.ts";
import { nodeFileSystem, type Moved } from "./file-system.ts";

test("a file grows with zeroes and shrinks, and says so", async () => {
  const filename = temporaryFile(8192);
  const bed = await openBed({ filename });
  await bed.client.write(0, pattern(8192));
  await bed.driver.resize?.(20_000);
  expect(bed.driver.capabilities.size).toBe(20_000);
  expect(statSync(filename).size).toBe(20_000);
  expect(await bed.client.read(8192, 11_808)).toEqual(new Uint8Array(11_808));
  await bed.driver.resize?.(4096);
  expect(statSync(filename).size).toBe(4096);
  await expect(bed.client.read(4096, 1)).rejects.toMatchObject({ code: "EINVAL" });
  expect(await bed.client.read(0, 4096)).toEqual(pattern(8192).slice(0, 4096));
  expect(bed.events).toEqual([
    { type: "resized", size: 20_000 },
    { type: "resized", size: 4096 },
  ]);
});

test("sizes that cannot be", async () => {
  const bed = await openBed({ filename: temporaryFile(8192), cacheDirect: true });
  for (const size of [-1, 0.5, Number.NaN, 2 ** 53, 1000]) {
    await expect(bed.driver.resize?.(size)).rejects.toMatchObject({ code: "EINVAL", operation: "resize" });
  }
  const readOnly = await openBed({ filename: temporaryFile(8192), readOnly: true });
  expect([readOnly.capabilities.resize, readOnly.driver.resize === undefined]).toEqual([false, true]);
});

test("a resize that fails changes nothing, and requests go on", async () => {
  const fileSystem = faultyFileSystem({ ftruncate: (_fd, _size, done) => done(systemError("ENOSPC")) });
  const bed = await openBed({ filename: temporaryFile(8192), fileSystem });
  for (const size of [4096, 16_384]) {
    await expect(bed.driver.resize?.(size)).rejects.toMatchObject({ code: "ENOSPC", operation: "resize" });
  }
  expect(bed.driver.capabilities.size).toBe(8192);
  await bed.client.write(4096, pattern(4096));
  expect(bed.events).toEqual([]);
});

test("a shrink waits for writes that are under way, and what comes meanwhile is checked against the new size", async () => {
  const held: (() => void)[] = [];
  const fileSystem = faultyFileSystem({
    write(fd, buffer, from, length, position, done: Moved) {
      held.push(() => nodeFileSystem.write(fd, buffer, from, length, position, done));
    },
  });
  const filename = temporaryFile(16_384);
  const bed = await openBed({ filename, fileSystem });
  const write = (offset: number) => bed.submit({ operation: "write", offset, length: 4096, iov: [pattern(4096)] });
  const early = write(12_288);
  const resizing = bed.driver.resize?.(8192);
  await nextTurn();
  const [late, beyond, flush] = [write(0), write(12_288), bed.submit({ operation: "flush" })];
  expect(held).toHaveLength(1);
  expect(statSync(filename).size).toBe(16_384);
  held[0]?.();
  expect(await early.done).toBeNull();
  await resizing;
  expect(await beyond.done).toMatchObject({ code: "EINVAL" });
  while (held.length < 2) await nextTurn();
  held[1]?.();
  expect([await late.done, await flush.done]).toEqual([null, null]);
  expect(statSync(filename).size).toBe(8192);
});

test("close waits for a resize", async () => {
  const order: string[] = [];
  let answer: (() => void) | null = null;
  const fileSystem = faultyFileSystem({
    ftruncate(fd, size, done) {
      answer = () => {
        order.push("resized");
        nodeFileSystem.ftruncate(fd, size, done);
      };
    },
    close(fd, done) {
      order.push("closed");
      nodeFileSystem.close(fd, done);
    },
  });
  const bed = await openBed({ filename: temporaryFile(4096), fileSystem });
  const resizing = bed.driver.resize?.(8192);
  while (answer === null) await nextTurn();
  const closing = bed.driver.close();
  await nextTurn();
  (answer as () => void)();
  await Promise.all([resizing, closing]);
  expect(order).toEqual(["resized", "closed"]);
  // Nothing is said after close.
  expect(bed.events).toEqual([]);
});
