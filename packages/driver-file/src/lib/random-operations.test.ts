import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

import { RequestFlag, type BlockOperation } from "@rehandle/driver-sdk";
import fc from "fast-check";
import { expect, test } from "vitest";

import { difference, faultyFileSystem, openBed, pattern, temporaryFile, type Bed } from "../testing/test-bed.ts";
import type { FileDriverOptions } from "./file-driver-options.ts";
import { nodeFileSystem, type Moved } from "./file-system.ts";

/** Bytes of the disk: five pages and a bit for files, whole blocks for O_DIRECT. */
const SIZE = 20_480;

interface Operation {
  readonly operation: Exclude<BlockOperation, "block-status">;
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
  readonly seed: number;
  /** Where the iov is cut, as parts of its length. */
  readonly cuts: readonly number[];
}

const operation = (unit: number): fc.Arbitrary<Operation> =>
  fc
    .record({
      operation: fc.constantFrom<Operation["operation"][]>(
        "read",
        "write",
        "write",
        "write-zeroes",
        "discard",
        "flush",
      ),
      from: fc.nat(SIZE / unit),
      to: fc.nat(SIZE / unit),
      flags: fc.constantFrom(0, 0, RequestFlag.FUA, RequestFlag.MAY_UNMAP),
      seed: fc.nat(200),
      cuts: fc.array(fc.nat(99), { maxLength: 4 }),
    })
    .map(({ from, to, ...rest }) => ({
      ...rest,
      offset: Math.min(from, to) * unit,
      length: Math.abs(to - from) * unit,
    }));

/** Cuts a buffer into parts that share its memory; some may be empty. */
function cut(buffer: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((part) => Math.floor((part * buffer.length) / 100)), buffer.length].toSorted(
    (a, b) => a - b,
  );
  return places.slice(1).map((place, index) => buffer.subarray(places[index], place));
}

async function run(bed: Bed, model: Uint8Array, step: Operation): Promise<void> {
  const { operation, offset, length, flags, seed, cuts } = step;
  if (operation === "discard" && !bed.capabilities.discard) return;
  if (operation === "flush") {
    expect(await bed.submit({ operation }).done).toBeNull();
    return;
  }
  const data = operation === "write" ? pattern(length, seed) : new Uint8Array(length);
  const iov = operation === "read" || operation === "write" ? cut(data, cuts) : [];
  expect(await bed.submit({ operation, offset, length, flags: operation === "read" ? 0 : flags, iov }).done).toBeNull();
  if (operation === "read") expect(difference(data, model.slice(offset, offset + length))).toBe(-1);
  else model.set(data, offset);
}

/** Transfers that are all shorter than asked for, and calls that are interrupted. */
const restless = faultyFileSystem({
  read: (fd, buffer, from, length, position, done) =>
    interrupted(done) || nodeFileSystem.read(fd, buffer, from, shorter(length), position, done),
  write: (fd, buffer, from, length, position, done) =>
    interrupted(done) || nodeFileSystem.write(fd, buffer, from, shorter(length), position, done),
  readv: (fd, parts, position, done) => nodeFileSystem.readv(fd, shorterParts(parts), position, done),
  writev: (fd, parts, position, done) => nodeFileSystem.writev(fd, shorterParts(parts), position, done),
});

let calls = 0;

function interrupted(done: Moved): boolean {
  calls += 1;
  if (calls % 3 !== 0) return false;
  setImmediate(done, Object.assign(new Error("interrupted"), { code: calls % 2 === 0 ? "EINTR" : "EAGAIN" }), 0);
  return true;
}

function shorter(length: number): number {
  return Math.max(1, Math.floor(length * 0.6));
}

function shorterParts(parts: readonly Uint8Array[]): Uint8Array[] {
  const [first, ...rest] = parts.filter((part) => part.length > 0);
  if (first === undefined) return [];
  const some = rest.slice(0, -1);
  return [first, ...some.map((part) => part.subarray(0, shorter(part.length)))].slice(0, some.length > 0 ? 2 : 1);
}

const ways: [string, number, number, Partial<FileDriverOptions>][] = [
  ["as it comes", 1, 40, {}],
  ["with discard=unmap", 1, 40, { discard: "unmap" }],
  ["without the system calls of koffi", 1, 40, { systemCalls: null }],
  ["with short and interrupted transfers", 1, 25, { systemCalls: null, fileSystem: restless }],
  ["short, and straight from the request's buffers", 1, 25, { cachedReads: false, copyLimit: 0, fileSystem: restless }],
  ["with one buffer of 1000 bytes", 1, 25, { cachedReads: false, copyLimit: 1000, queueDepth: 1 }],
  ["with O_DIRECT", 4096, 25, { cacheDirect: true, discard: "unmap" }],
];

test.each(ways)("random operations agree with a model: %s", async (_name, unit, runs, options) => {
  const property = fc.asyncProperty(fc.array(operation(unit), { maxLength: 30 }), async (steps) => {
    const filename = temporaryFile(SIZE);
    const fd = openSync(filename, "r+");
    const model = pattern(SIZE, 99);
    writeSync(fd, model);
    closeSync(fd);
    const bed = await openBed({ filename, ...options });
    for (const step of steps) await run(bed, model, step);
    await bed.driver.close();
    expect(difference(Uint8Array.from(readFileSync(filename)), model)).toBe(-1);
  });
  await fc.assert(property, { numRuns: runs });
});

test("many requests at once, more than are handed to the system", async () => {
  const bed = await openBed({ filename: temporaryFile(1024 * 1024), queueDepth: 3 });
  const writes = Array.from({ length: 256 }, (_, block) =>
    bed.submit({ operation: "write", offset: block * 4096, length: 4096, iov: [pattern(4096, block)] }),
  );
  for (const write of writes) expect(await write.done).toBeNull();
  const buffers = writes.map(() => new Uint8Array(4096));
  const reads = buffers.map((buffer, block) =>
    bed.submit({ operation: "read", offset: block * 4096, length: 4096, iov: [buffer] }),
  );
  for (const read of reads) expect(await read.done).toBeNull();
  for (const [block, buffer] of buffers.entries()) expect(difference(buffer, pattern(4096, block))).toBe(-1);
  expect([...writes, ...reads].every(({ completions }) => completions === 1)).toBe(true);
});

test("an iov of more parts than one system call takes", async () => {
  const bed = await openBed({ filename: temporaryFile(200_000), copyLimit: 0, cachedReads: false });
  const data = pattern(150_000);
  const parts = (buffer: Uint8Array): Uint8Array[] =>
    Array.from({ length: 3000 }, (_, index) => buffer.subarray(index * 50, index * 50 + 50));
  expect(await bed.submit({ operation: "write", offset: 7, length: 150_000, iov: parts(data) }).done).toBeNull();
  const back = new Uint8Array(150_000);
  expect(await bed.submit({ operation: "read", offset: 7, length: 150_000, iov: parts(back) }).done).toBeNull();
  expect(difference(back, data)).toBe(-1);
});

test("offsets over 32 bits", async () => {
  const size = 2 ** 40;
  const bed = await openBed({ filename: temporaryFile(size), discard: "unmap" });
  const data = pattern(8192);
  await bed.client.write(size - 8192, data);
  await bed.client.write(2 ** 32 + 5, data);
  expect(difference(await bed.client.read(size - 8192, 8192), data)).toBe(-1);
  expect(difference(await bed.client.read(2 ** 32 + 5, 8192), data)).toBe(-1);
  expect(difference(await bed.client.read(5, 8192), new Uint8Array(8192))).toBe(-1);
  await bed.client.writeZeroes(size - 8192, 4096, { mayUnmap: true });
  expect(
    difference(await bed.client.read(size - 8192, 8192), Uint8Array.of(...new Uint8Array(4096), ...data.slice(4096))),
  ).toBe(-1);
});
