import { closeSync, fstatSync, openSync, readFileSync, statSync, writeSync } from "node:fs";

import type { BlockExtent } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { prerequisite, runProgram, withoutProgram } from "../testing/prerequisite.ts";
import { difference, faultyFileSystem, openBed, pattern, systemError, temporaryFile } from "../testing/test-bed.ts";
import { nodeFileSystem } from "./file-system.ts";
import { FallocateMode, loadSystemCalls, SeekWhence, type SystemCalls } from "./system-calls.ts";

const real = await loadSystemCalls();
const hasCalls = prerequisite(
  "discard, fast zeroes and block status of files",
  real === null ? "the npm package koffi is missing, or this is not Linux" : null,
);
const hasQemuImg = prerequisite("block status against qemu-img", withoutProgram("qemu-img", "qemu-utils"));

const MIB = 1_048_576;

/** Bytes that the file takes up on disk. */
function allocated(filename: string): number {
  const fd = openSync(filename, "r+");
  const { blocks } = fstatSync(fd);
  closeSync(fd);
  return blocks * 512;
}

function filledFile(): string {
  const filename = temporaryFile(4 * MIB);
  const fd = openSync(filename, "r+");
  writeSync(fd, pattern(4 * MIB));
  closeSync(fd);
  return filename;
}

/** fallocate is answered with `code` in those modes. */
function refusing(code: string, ...modes: number[]): { systemCalls: SystemCalls; tried: number[] } {
  const tried: number[] = [];
  const systemCalls: SystemCalls = {
    cachedReader: null,
    seek: (fd, offset, whence, done) => real?.seek(fd, offset, whence, done),
    fallocate(fd, mode, offset, length, done) {
      tried.push(mode);
      if (modes.includes(mode)) setImmediate(done, systemError(code));
      else real?.fallocate(fd, mode, offset, length, done);
    },
  };
  return { systemCalls, tried };
}

const PUNCH = FallocateMode.PUNCH_HOLE | FallocateMode.KEEP_SIZE;

test.runIf(hasCalls)("discard=unmap frees blocks, and the range reads as zeroes", async () => {
  const filename = filledFile();
  const bed = await openBed({ filename, discard: "unmap" });
  expect(bed.capabilities).toMatchObject({ discard: true, fastZero: true, blockStatus: true });
  const before = allocated(filename);
  await bed.client.discard(MIB, 2 * MIB);
  await bed.client.flush();
  expect(before - allocated(filename)).toBeGreaterThanOrEqual(2 * MIB - 65_536);
  expect(difference(await bed.client.read(MIB, 2 * MIB), new Uint8Array(2 * MIB))).toBe(-1);
  expect(difference(await bed.client.read(0, MIB), pattern(MIB))).toBe(-1);
  expect(statSync(filename).size).toBe(4 * MIB);
});

test.runIf(hasCalls)("discard=ignore, the default, declares no discard and frees nothing", async () => {
  const filename = filledFile();
  const bed = await openBed({ filename });
  expect(bed.capabilities).toMatchObject({ discard: false, fastZero: true });
  const before = allocated(filename);
  await expect(bed.client.discard(0, MIB)).rejects.toMatchObject({ code: "ENOTSUP", errorClass: "unsupported" });
  await bed.client.writeZeroes(0, 2 * MIB, { mayUnmap: true });
  expect(difference(await bed.client.read(0, 2 * MIB), new Uint8Array(2 * MIB))).toBe(-1);
  expect(allocated(filename)).toBeGreaterThanOrEqual(before - 65_536);
});

test.runIf(hasCalls)("write-zeroes frees blocks if it may, and keeps them if not", async () => {
  const filename = filledFile();
  const bed = await openBed({ filename, discard: "unmap" });
  const before = allocated(filename);
  await bed.client.writeZeroes(0, MIB, { noFallback: true });
  expect(allocated(filename)).toBeGreaterThanOrEqual(before - 65_536);
  await bed.client.writeZeroes(MIB, MIB, { mayUnmap: true, noFallback: true });
  expect(before - allocated(filename)).toBeGreaterThanOrEqual(MIB - 65_536);
  expect(difference(await bed.client.read(0, 2 * MIB), new Uint8Array(2 * MIB))).toBe(-1);
});

test.runIf(hasCalls)("without ZERO_RANGE the range is punched and allocated again, as on tmpfs", async () => {
  const { systemCalls, tried } = refusing("EOPNOTSUPP", FallocateMode.ZERO_RANGE);
  const filename = filledFile();
  const bed = await openBed({ filename, systemCalls });
  tried.length = 0;
  const before = allocated(filename);
  await bed.client.writeZeroes(0, MIB, { noFallback: true });
  await bed.client.writeZeroes(MIB, MIB, { noFallback: true });
  expect(tried).toEqual([FallocateMode.ZERO_RANGE, PUNCH, FallocateMode.ALLOCATE, PUNCH, FallocateMode.ALLOCATE]);
  expect(difference(await bed.client.read(0, 2 * MIB), new Uint8Array(2 * MIB))).toBe(-1);
  expect(allocated(filename)).toBeGreaterThanOrEqual(before - 65_536);
});

test.runIf(hasCalls)("a file system without holes gets its zeroes written, or says so at once", async () => {
  const { systemCalls } = refusing("EOPNOTSUPP", FallocateMode.ZERO_RANGE, PUNCH, FallocateMode.ALLOCATE);
  const bed = await openBed({ filename: filledFile(), discard: "unmap", systemCalls });
  expect(bed.capabilities).toMatchObject({ discard: false, fastZero: false, writeZeroes: true });
  await bed.client.writeZeroes(1000, MIB);
  expect(difference(await bed.client.read(1000, MIB), new Uint8Array(MIB))).toBe(-1);
  expect(difference(await bed.client.read(0, 1000), pattern(1000))).toBe(-1);
  expect(difference(await bed.client.read(MIB + 1000, 10), pattern(MIB + 1010).slice(-10))).toBe(-1);
});

test.runIf(hasCalls)("a system that refuses only later is believed", async () => {
  const refused: number[] = [];
  const systemCalls: SystemCalls = {
    cachedReader: null,
    seek: (fd, offset, whence, done) => real?.seek(fd, offset, whence, done),
    fallocate(_fd, mode, offset, _length, done) {
      // The probe beyond the end is answered, and nothing after it.
      if (offset < 4 * MIB) refused.push(mode);
      setImmediate(done, offset < 4 * MIB ? systemError("ENOTSUP") : null);
    },
  };
  const bed = await openBed({ filename: filledFile(), discard: "unmap", systemCalls });
  expect(bed.capabilities).toMatchObject({ discard: true, fastZero: true });
  const unsupported = { code: "ENOTSUP", errorClass: "unsupported" };
  await expect(bed.client.discard(0, MIB)).rejects.toMatchObject(unsupported);
  await expect(bed.client.writeZeroes(0, MIB, { noFallback: true })).rejects.toMatchObject(unsupported);
  await bed.client.writeZeroes(0, MIB);
  expect(difference(await bed.client.read(0, MIB), new Uint8Array(MIB))).toBe(-1);
  expect(refused.filter((mode) => mode === FallocateMode.ZERO_RANGE)).toHaveLength(1);
});

test.runIf(hasCalls)("an error of fallocate is the request's", async () => {
  const { systemCalls } = refusing("ENOSPC", FallocateMode.ZERO_RANGE);
  const bed = await openBed({ filename: filledFile(), systemCalls });
  const expected = { code: "ENOSPC", errorClass: "no-space", operation: "write-zeroes", offset: 0, length: MIB };
  await expect(bed.client.writeZeroes(0, MIB)).rejects.toMatchObject(expected);
});

test.runIf(hasCalls)("a call that a signal interrupts is made again, also by open", async () => {
  let calls = 0;
  const isInterrupted = (): boolean => (calls += 1) % 2 === 1;
  const systemCalls: SystemCalls = {
    cachedReader: null,
    seek(fd, offset, whence, done) {
      if (isInterrupted()) setImmediate(done, systemError("EINTR"), -1);
      else real?.seek(fd, offset, whence, done);
    },
    fallocate(fd, mode, offset, length, done) {
      if (isInterrupted()) setImmediate(done, systemError("EINTR"));
      else real?.fallocate(fd, mode, offset, length, done);
    },
  };
  const bed = await openBed({ filename: filledFile(), discard: "unmap", systemCalls });
  expect(bed.capabilities).toMatchObject({ discard: true });
  await bed.client.discard(0, MIB);
  await bed.client.writeZeroes(2 * MIB, MIB, { mayUnmap: true, noFallback: true });
  const [hole, data] = await bed.client.blockStatus(0, 2 * MIB);
  expect([hole, data]).toMatchObject([
    { length: MIB, hole: true },
    { length: MIB, hole: false },
  ]);
});

test("without the system calls zeroes are written", async () => {
  const filename = filledFile();
  let writes = 0;
  const fileSystem = faultyFileSystem({
    write(...parameters) {
      writes += 1;
      nodeFileSystem.write(...parameters);
    },
  });
  const bed = await openBed({ filename, systemCalls: null, discard: "unmap", fileSystem });
  await bed.client.writeZeroes(7, 3 * MIB);
  expect(difference(await bed.client.read(0, 4 * MIB), pattern(4 * MIB).fill(0, 7, 7 + 3 * MIB))).toBe(-1);
  expect(writes).toBe(12);
  await expect(bed.client.writeZeroes(0, 1, { noFallback: true })).rejects.toMatchObject({ code: "ENOTSUP" });
  await expect(bed.client.discard(0, 1)).rejects.toMatchObject({ code: "ENOTSUP" });
  await expect(bed.client.blockStatus(0, 1)).rejects.toMatchObject({ code: "ENOTSUP" });
});

test.runIf(hasCalls)("an abandoned request without data is let go of at once", async () => {
  const bed = await openBed({ filename: filledFile(), discard: "unmap" });
  for (const operation of ["discard", "write-zeroes", "block-status"] as const) {
    const request = bed.submit({ operation, length: MIB });
    expect(bed.driver.abandon?.(request.request)).toBe(true);
    expect(await request.done).toBeNull();
    expect(request.completions).toBe(1);
  }
});

/** The extents of a file as qemu-img sees them. */
function qemuMap(filename: string): BlockExtent[] {
  const text = runProgram("qemu-img", "map", "--output=json", "-f", "raw", filename);
  const extents = JSON.parse(text) as { length: number; data: boolean; zero: boolean }[];
  return extents.map(({ length, data, zero }) => ({ length, hole: !data, zero }));
}

test.runIf(hasCalls && hasQemuImg)("block status agrees with qemu-img map", async () => {
  const filename = temporaryFile(64 * MIB);
  const bed = await openBed({ filename });
  for (let index = 0; index < 40; index += 1) {
    await bed.client.write(index * MIB + (index % 5) * 65_536, pattern(65_536 * (1 + (index % 3)), index));
  }
  await bed.client.write(64 * MIB - 4096, pattern(4096));
  await bed.client.flush();
  const expected = qemuMap(filename);
  expect(expected.length).toBeGreaterThan(60);
  expect(await bed.client.blockStatus(0, 64 * MIB)).toEqual(expected);
});

test.runIf(hasCalls)("block status stays within the request, and REQ_ONE is one extent", async () => {
  const bed = await openBed({ filename: temporaryFile(MIB) });
  await bed.client.write(65_536, pattern(65_536));
  await bed.client.flush();
  const [hole, data] = [true, false].map((value) => ({ hole: value, zero: value }));
  expect(await bed.client.blockStatus(10, MIB - 20)).toEqual([
    { length: 65_526, ...hole },
    { length: 65_536, ...data },
    { length: MIB - 131_072 - 10, ...hole },
  ]);
  const one = bed.submit({ operation: "block-status", offset: 70_000, length: MIB - 70_000, flags: 8 });
  expect(await one.done).toBeNull();
  expect(one.request.extents).toEqual([{ length: 61_072, ...data }]);
  const inside = bed.submit({ operation: "block-status", offset: 70_000, length: 100 });
  expect(await inside.done).toBeNull();
  expect(inside.request.extents).toEqual([{ length: 100, ...data }]);
});

test("extents are rounded to the alignment, data first", async () => {
  // Data in [5000, 5100) and from 20000 on; the file system's blocks are smaller than what O_DIRECT asks for.
  const edges = [5000, 5100, 20_000, 1_000_000];
  const systemCalls: SystemCalls = {
    cachedReader: null,
    fallocate: (_fd, _mode, _offset, _length, done) => done(null),
    seek(_fd, offset, whence, done) {
      const index = edges.findIndex((edge) => edge > offset);
      const inside = index % 2 === 1;
      const wanted = whence === SeekWhence.DATA ? inside : !inside;
      if (index < 0) done(systemError("ENXIO"), -1);
      else done(null, wanted ? offset : (edges[index] ?? 0));
    },
  };
  const bed = await openBed({ filename: temporaryFile(40_960), cacheDirect: true, systemCalls });
  const unit = bed.capabilities.requestAlignment;
  const [start, end, next] = [5000 - (5000 % unit), Math.ceil(5100 / unit) * unit, 20_000 - (20_000 % unit)];
  expect(await bed.client.blockStatus(0, 40_960)).toEqual([
    { length: start, hole: true, zero: true },
    { length: end - start, hole: false, zero: false },
    { length: next - end, hole: true, zero: true },
    { length: 40_960 - next, hole: false, zero: false },
  ]);
});

test.each([
  ["EINVAL", [{ length: 4096, hole: false, zero: false }]],
  ["ENXIO", [{ length: 4096, hole: true, zero: true }]],
])("a seek that fails with %s", async (code, extents) => {
  const { systemCalls } = refusing("EIO");
  const bed = await openBed({
    filename: temporaryFile(4096),
    systemCalls: { ...systemCalls, seek: (_fd, _offset, _whence, done) => done(systemError(code), -1) },
    readOnly: true,
  });
  expect(await bed.client.blockStatus(0, 4096)).toEqual(extents);
});

test("a seek that fails otherwise fails the request", async () => {
  const { systemCalls } = refusing("EIO");
  const seek: SystemCalls["seek"] = (_fd, _offset, _whence, done) => done(systemError("EIO"), -1);
  const bed = await openBed({
    filename: temporaryFile(4096),
    systemCalls: { ...systemCalls, seek },
    readOnly: true,
  });
  await expect(bed.client.blockStatus(0, 4096)).rejects.toMatchObject({ code: "EIO", operation: "block-status" });
});

test.runIf(hasCalls)("many range requests at once", async () => {
  const filename = filledFile();
  const bed = await openBed({ filename, discard: "unmap", queueDepth: 200 });
  const all = Array.from({ length: 256 }, (_, index) =>
    bed.submit({ operation: "write-zeroes", offset: index * 16_384, length: 8192 }),
  );
  for (const { done } of all) expect(await done).toBeNull();
  const expected = pattern(4 * MIB);
  for (let index = 0; index < 256; index += 1) expected.fill(0, index * 16_384, index * 16_384 + 8192);
  await bed.client.flush();
  expect(difference(Uint8Array.from(readFileSync(filename)), expected)).toBe(-1);
});
