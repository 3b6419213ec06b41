import { expect, test } from "vitest";

import { ExpectedData } from "./expected-data.ts";

const BLOCK = 4096;

/** A disk in memory, whose writes land when the test says so. */
function createDisk(blocks: number): { data: ExpectedData; bytes: Uint8Array; block: (at: number) => Uint8Array } {
  const bytes = new Uint8Array(blocks * BLOCK);
  const block = (at: number): Uint8Array => bytes.subarray(at * BLOCK, (at + 1) * BLOCK);
  return { data: new ExpectedData(blocks, BLOCK), bytes, block };
}

test("a disk that was never written is zeroes", () => {
  const { data, bytes, block } = createDisk(4);
  expect(data.checkAll(bytes)).toEqual({ blocks: 4, right: 4, uncertain: 0 });
  block(2)[4095] = 1;
  expect(data.checkAll(bytes)).toEqual({ blocks: 4, right: 3, uncertain: 0 });
});

test("what was written last is right, and nothing else", () => {
  const { data, block } = createDisk(2);
  data.prepareWrite(1, block(1));
  data.writeSucceeded(1);
  expect(data.check(1, block(1))).toBe("right");

  const old = block(1).slice();
  data.prepareWrite(1, block(1));
  data.writeSucceeded(1);
  expect(data.check(1, block(1))).toBe("right");
  expect(data.check(1, old)).toBe("wrong");
  expect(data.check(1, new Uint8Array(BLOCK))).toBe("wrong");
});

test("a version that this client never wrote is wrong", () => {
  const { data, block } = createDisk(1);
  data.prepareWrite(0, block(0));
  data.writeSucceeded(0);
  const other = new ExpectedData(1, BLOCK);
  other.prepareWrite(0, block(0));
  other.prepareWrite(0, block(0));
  expect(data.check(0, block(0))).toBe("wrong");
});

test("every byte counts", () => {
  const { data, block } = createDisk(1);
  data.prepareWrite(0, block(0));
  data.writeSucceeded(0);
  const missed: number[] = [];
  for (let at = 0; at < BLOCK; at += 1) {
    block(0)[at] = (block(0)[at] ?? 0) ^ 0x10;
    if (data.check(0, block(0)) !== "wrong") missed.push(at);
    block(0)[at] = (block(0)[at] ?? 0) ^ 0x10;
  }
  expect(missed).toEqual([]);
});

test("a block or a sector in another's place is wrong", () => {
  const { data, block } = createDisk(2);
  for (const at of [0, 1]) {
    data.prepareWrite(at, block(at));
    data.writeSucceeded(at);
  }
  expect(data.check(0, block(1))).toBe("wrong");
  const swapped = block(0).slice();
  swapped.copyWithin(0, 512, 1024);
  expect(data.check(0, swapped)).toBe("wrong");
});

test("after a write that failed, each sector may be old or new, until the next that succeeds", () => {
  const { data, block } = createDisk(1);
  data.prepareWrite(0, block(0));
  data.writeSucceeded(0);
  const old = block(0).slice();
  const failed = new Uint8Array(BLOCK);
  data.prepareWrite(0, failed);
  const torn = old.slice();
  torn.set(failed.subarray(0, 1024));
  for (const bytes of [old, failed, torn]) expect(data.check(0, bytes)).toBe("uncertain");
  expect(data.checkAll(torn)).toEqual({ blocks: 1, right: 1, uncertain: 1 });

  data.prepareWrite(0, block(0));
  data.writeSucceeded(0);
  for (const bytes of [old, failed, torn]) expect(data.check(0, bytes)).toBe("wrong");
  expect(data.check(0, block(0))).toBe("right");
});

test("a part of the disk is checked from its first block on", () => {
  const { data, bytes, block } = createDisk(4);
  data.prepareWrite(3, block(3));
  data.writeSucceeded(3);
  expect(data.checkAll(bytes.subarray(2 * BLOCK), 2)).toEqual({ blocks: 2, right: 2, uncertain: 0 });
  expect(data.checkAll(bytes.subarray(2 * BLOCK), 1).right).toBe(1);
});

test("bytes at an odd place in memory are compared as well", () => {
  const { data, block } = createDisk(1);
  data.prepareWrite(0, block(0));
  data.writeSucceeded(0);
  const shifted = new Uint8Array(BLOCK + 1);
  shifted.set(block(0), 1);
  expect(data.check(0, shifted.subarray(1))).toBe("right");
});
