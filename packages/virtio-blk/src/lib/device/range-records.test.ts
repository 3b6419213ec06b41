import { defineCapabilities } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { limitsOf } from "./config-space.ts";
import { RangeRecords } from "./range-records.ts";
import { VirtioBlkStatus } from "./request-type.ts";
import { records } from "./testing/test-disk.ts";

const { OK, IOERR, UNSUPP } = VirtioBlkStatus;

function limits(size: number, logicalBlockSize = 512): ReturnType<typeof limitsOf> {
  return limitsOf(defineCapabilities({ size, discard: true }), { logicalBlockSize, segMax: 126, numQueues: 1 });
}

test("takes ranges and flags of all records", () => {
  const ranges = new RangeRecords();
  expect(ranges.parse(records([1, 2, 1], [3, 0], [100, 28, 0]), limits(65536), true)).toBe(OK);
  expect(ranges.count).toBe(3);
  expect(ranges.offsets.slice(0, 3)).toEqual([512, 1536, 51200]);
  expect(ranges.lengths.slice(0, 3)).toEqual([1024, 0, 14336]);
  expect(ranges.unmap.slice(0, 3)).toEqual([true, false, false]);
  expect(ranges.parse(records([5, 1]), limits(65536), true)).toBe(OK);
  expect([ranges.count, ranges.offsets[0]]).toEqual([1, 2560]);
});

test.each([
  { name: "a range over the capacity", record: [127, 2] as const, status: IOERR },
  { name: "a sector beyond any number", record: [2 ** 64 - 2048, 1] as const, status: IOERR },
  { name: "more sectors than the limit", record: [0, 2 ** 21 + 1] as const, size: 2 ** 40, status: IOERR },
  { name: "a start between blocks", record: [4, 8] as const, block: 4096, status: IOERR },
  { name: "a length between blocks", record: [8, 4] as const, block: 4096, status: IOERR },
  { name: "an unknown flag", record: [0, 1, 2] as const, status: UNSUPP },
  { name: "unmap of a discard", record: [0, 1, 1] as const, status: UNSUPP },
])("refuses $name, even in the last record", ({ record, size = 65536, block = 512, status }) => {
  const all = records([0, 8], [8, 8], record);
  const unmapAllowed = (record[2] ?? 0) !== 1;
  expect(new RangeRecords().parse(all, limits(size, block), unmapAllowed)).toBe(status);
});

test("takes the longest range, up to the last sector", () => {
  const ranges = new RangeRecords();
  expect(ranges.parse(records([2 ** 31 - 2 ** 21, 2 ** 21]), limits(2 ** 40), false)).toBe(OK);
  expect(ranges.lengths[0]).toBe(2 ** 30);
});
