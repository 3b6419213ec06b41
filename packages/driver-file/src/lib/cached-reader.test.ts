import { createRequest, type BlockRequest } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { difference, faultyFileSystem, openBed, pattern, temporaryFile } from "../testing/test-bed.ts";
import { NO_CACHED_READS, NOT_CACHED, type CachedReader } from "./cached-reader.ts";
import { nodeFileSystem, type FileSystem } from "./file-system.ts";
import { loadSystemCalls, type SystemCalls } from "./system-calls.ts";

const systemCalls = await loadSystemCalls();

/** Counts the reads that take the long way. */
function countingReads(): { fileSystem: FileSystem; reads: () => number } {
  let reads = 0;
  const fileSystem = faultyFileSystem({
    read(fd, buffer, from, length, position, done) {
      reads += 1;
      nodeFileSystem.read(fd, buffer, from, length, position, done);
    },
  });
  return { fileSystem, reads: () => reads };
}

/** The real system calls, but for the reader. */
function withReader(cachedReader: CachedReader): SystemCalls {
  const none = (): never => {
    throw new Error("not expected");
  };
  return { fallocate: (_fd, _mode, _offset, _length, done) => done(null), seek: none, cachedReader };
}

test.runIf(systemCalls?.cachedReader)("what was just written is read at once, or the file system cannot", async () => {
  const { fileSystem, reads } = countingReads();
  const bed = await openBed({ filename: temporaryFile(300_000), fileSystem });
  const data = pattern(300_000);
  await bed.client.write(0, data);
  const buffer = new Uint8Array(131_072);
  const parts = [buffer.subarray(0, 1), buffer.subarray(1, 1), buffer.subarray(1, 5000), buffer.subarray(5000)];
  const read = bed.submit({ operation: "read", offset: 4095, length: 131_072, iov: parts });
  if (read.completions === 0) {
    console.warn("NOT RUN: reads from the page cache: this file system or kernel does not do them");
    return;
  }
  expect(await read.done).toBeNull();
  expect(difference(buffer, data.slice(4095, 4095 + 131_072))).toBe(-1);
  expect(reads()).toBe(0);
  // Too long to copy on the event loop.
  const long = bed.submit({ operation: "read", length: 262_145, iov: [new Uint8Array(262_145)] });
  expect(long.completions).toBe(0);
  await long.done;
});

test("a hole that was never read is not cached, and is read the long way", async () => {
  const { fileSystem, reads } = countingReads();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem });
  expect(difference(await bed.client.read(4096, 4096), new Uint8Array(4096))).toBe(-1);
  expect(reads()).toBe(1);
});

test("beyond 32 bits it is not the page below that is looked for", async () => {
  const { fileSystem, reads } = countingReads();
  const bed = await openBed({ filename: temporaryFile(2 ** 33), fileSystem });
  await bed.client.write(4096, pattern(4096));
  expect(await bed.client.read(2 ** 32 + 4096, 4096)).toEqual(new Uint8Array(4096));
  expect(reads()).toBe(1);
});

test.each([
  ["not cached", NOT_CACHED, 3],
  ["a part only", 100, 3],
  ["never", NO_CACHED_READS, 1],
])("%s: the long way is taken", async (_name, answer, asked) => {
  let calls = 0;
  const reader = {
    read: () => {
      calls += 1;
      return answer;
    },
  };
  const { fileSystem, reads } = countingReads();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem, systemCalls: withReader(reader) });
  for (let round = 0; round < 3; round += 1) {
    expect(difference(await bed.client.read(0, 4096), new Uint8Array(4096))).toBe(-1);
  }
  expect([calls, reads()]).toEqual([asked, 3]);
});

test("completions within completions do not go deep", async () => {
  const everything: CachedReader = { read: (_fd, _parts, _offset, length) => length };
  const bed = await openBed({ filename: temporaryFile(65_536), systemCalls: withReader(everything) });
  let left = 1000;
  let depth = 0;
  let deepest = 0;
  await new Promise<void>((resolve) => {
    const complete = (request: BlockRequest): void => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      left -= 1;
      if (left > 0) bed.driver.submit(request);
      else resolve();
      depth -= 1;
    };
    bed.driver.submit(createRequest({ length: 512, iov: [new Uint8Array(512)], complete }));
  });
  expect(deepest).toBe(17);
});

test("a read that waits for its turn to complete can be abandoned, and is waited for by close", async () => {
  const everything: CachedReader = { read: (_fd, _parts, _offset, length) => length };
  const bed = await openBed({ filename: temporaryFile(65_536), systemCalls: withReader(everything) });
  const sent: BlockRequest[] = [];
  const completed: BlockRequest[] = [];
  const complete = (request: BlockRequest): void => {
    completed.push(request);
    send();
  };
  const send = (): void => {
    const request = createRequest({ length: 512, iov: [new Uint8Array(512)], complete });
    sent.push(request);
    if (sent.length <= 17) bed.driver.submit(request);
  };
  send();
  const [last] = sent.slice(-1) as [BlockRequest];
  expect([sent.length, completed.length]).toEqual([17, 16]);
  expect(bed.driver.abandon?.(last)).toBe(true);
  const closing = bed.driver.close();
  expect(completed).toHaveLength(16);
  await closing;
  expect(completed.slice(16)).toEqual([last]);
});

test.each([
  ["with O_DIRECT", { cacheDirect: true }],
  ["when they were not wanted", { cachedReads: false }],
])("no cached reads %s", async (_name, options) => {
  let asked = 0;
  const reader = {
    read: () => {
      asked += 1;
      return NOT_CACHED;
    },
  };
  const bed = await openBed({ filename: temporaryFile(65_536), systemCalls: withReader(reader), ...options });
  await bed.client.read(0, 4096);
  expect(asked).toBe(0);
});
