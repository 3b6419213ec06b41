import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import {
  loopUnavailable,
  mountUnavailable,
  prerequisite,
  runProgram,
  withoutProgram,
} from "../testing/prerequisite.ts";
import { difference, faultyFileSystem, openBed, pattern, temporaryFile, temporaryFolder } from "../testing/test-bed.ts";
import { ALWAYS_WAITS, WOULD_WAIT, type CachedWriter } from "./cached-writer.ts";
import { nodeFileSystem, type FileSystem } from "./file-system.ts";
import { loadSystemCalls, type SystemCalls } from "./system-calls.ts";

const real = await loadSystemCalls();
const MIB = 1_048_576;

/** Counts the writes that take the long way. */
function countingWrites(): { fileSystem: FileSystem; writes: () => number } {
  let writes = 0;
  const fileSystem = faultyFileSystem({
    write(fd, buffer, from, length, position, done) {
      writes += 1;
      nodeFileSystem.write(fd, buffer, from, length, position, done);
    },
    writev(fd, parts, position, done) {
      writes += 1;
      nodeFileSystem.writev(fd, parts, position, done);
    },
  });
  return { fileSystem, writes: () => writes };
}

/** A writer that writes nothing and always answers the same. */
function answering(answer: number): { systemCalls: SystemCalls; asked: () => number } {
  let asked = 0;
  const cachedWriter: CachedWriter = {
    write: () => {
      asked += 1;
      return answer;
    },
  };
  const none = (): never => {
    throw new Error("not expected");
  };
  const systemCalls: SystemCalls = {
    fallocate: (_fd, _mode, _offset, _length, done) => done(null),
    seek: none,
    cachedReader: null,
    cachedWriter,
  };
  return { systemCalls, asked: () => asked };
}

test.each([
  ["would wait", WOULD_WAIT, 3],
  ["a part only", 100, 3],
  ["always waits", ALWAYS_WAITS, 1],
])("%s: the whole write takes the long way", async (_name, answer, times) => {
  const filename = temporaryFile(65_536);
  const { fileSystem, writes } = countingWrites();
  const { systemCalls, asked } = answering(answer);
  const bed = await openBed({ filename, fileSystem, systemCalls });
  for (let round = 0; round < 3; round += 1) await bed.client.write(4096 * round, pattern(4096, round));
  expect([asked(), writes()]).toEqual([times, 3]);
  for (let round = 0; round < 3; round += 1) {
    expect(difference(await bed.client.read(4096 * round, 4096), pattern(4096, round))).toBe(-1);
  }
});

test.each([
  ["with O_DIRECT", { cacheDirect: true }, {}],
  ["when they were not wanted", { cachedWrites: false }, {}],
  ["that must be stable", {}, { fua: true }],
])("no writes on the event loop %s", async (_name, options, flags) => {
  const { systemCalls, asked } = answering(WOULD_WAIT);
  const bed = await openBed({ filename: temporaryFile(65_536), systemCalls, ...options });
  await bed.client.write(0, pattern(4096), flags);
  expect(asked()).toBe(0);
});

test("a write that is too long to copy on the event loop takes the long way", async () => {
  const { systemCalls, asked } = answering(WOULD_WAIT);
  const bed = await openBed({ filename: temporaryFile(MIB), systemCalls });
  await bed.client.write(0, pattern(262_145));
  expect(asked()).toBe(0);
  await bed.client.write(0, pattern(262_144));
  expect(asked()).toBe(1);
});

test.runIf(real?.cachedWriter)("a file system that cannot say whether it would wait is asked once", async () => {
  const filename = temporaryFile(65_536);
  const answers: number[] = [];
  const cachedWriter: CachedWriter = {
    write(fd, parts, offset) {
      answers.push(real!.cachedWriter!.write(fd, parts, offset));
      return answers.at(-1)!;
    },
  };
  const bed = await openBed({ filename, systemCalls: { ...real!, cachedWriter } });
  const data = pattern(10_000);
  await bed.client.write(100, data);
  await bed.client.write(20_000, data);
  const contents = Uint8Array.from(readFileSync(filename));
  expect(difference(contents.slice(100, 10_100), data)).toBe(-1);
  expect(difference(contents.slice(20_000, 30_000), data)).toBe(-1);
  if (answers[0] === ALWAYS_WAITS) expect(answers).toEqual([ALWAYS_WAITS]);
});

const mounted = prerequisite(
  "a file system that says whether it would wait",
  withoutProgram("mkfs.xfs", "xfsprogs") ?? mountUnavailable() ?? loopUnavailable(),
);

/** A new XFS, unmounted when the test ended. */
function smallXfs(): string {
  const image = temporaryFile(320 * MIB);
  runProgram("mkfs.xfs", "-q", image);
  const folder = temporaryFolder();
  runProgram("mount", "-o", "loop", image, folder);
  onTestFinished(() => void runProgram("umount", folder));
  return folder;
}

test.runIf(mounted && real?.cachedWriter)("on XFS nearly all writes are done on the event loop", async () => {
  const filename = join(smallXfs(), "disk.img");
  writeFileSync(filename, new Uint8Array(0));
  truncateSync(filename, 8 * MIB);
  const { fileSystem, writes } = countingWrites();
  const bed = await openBed({ filename, fileSystem });
  const model = new Uint8Array(8 * MIB);
  for (let round = 0; round < 1000; round += 1) {
    const offset = (round * 7_919_113) % (8 * MIB - 20_000);
    const data = pattern(1 + ((round * 17) % 20_000), round);
    model.set(data, offset);
    const cut = Math.floor(data.length / 3);
    const iov = [data.subarray(0, cut), data.subarray(cut, cut), data.subarray(cut)];
    const { done } = bed.submit({ operation: "write", offset, length: data.length, iov });
    expect(await done).toBeNull();
  }
  // A new time stamp, every few milliseconds, is one thing that a write has to wait for.
  expect(writes()).toBeLessThan(900);
  await bed.client.write(4096, pattern(4096), { fua: true });
  model.set(pattern(4096), 4096);
  expect(difference(await bed.client.read(0, 8 * MIB), model)).toBe(-1);
  await bed.client.flush();
  expect(difference(Uint8Array.from(readFileSync(filename)), model)).toBe(-1);
});
