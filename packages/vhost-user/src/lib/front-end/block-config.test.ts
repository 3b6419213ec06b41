import { expect, test } from "vitest";
import { configLength, parseBlockConfig } from "./block-config.ts";

const ALL = [1, 2, 4, 6, 10, 11, 12, 13, 14, 16].reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);

/** Every byte is its own offset, but for the high half of the capacity. */
function counted(length: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, index) => index);
  return bytes.fill(0, 6, 8);
}

test("reads every field from its offset", () => {
  expect(parseBlockConfig(counted(72), ALL)).toEqual({
    capacity: 0x050403020100,
    sizeMax: 0x0b0a0908,
    segMax: 0x0f0e0d0c,
    geometry: { cylinders: 0x1110, heads: 18, sectors: 19 },
    blkSize: 0x17161514,
    topology: { physicalBlockExp: 24, alignmentOffset: 25, minIoSize: 0x1b1a, optIoSize: 0x1f1e1d1c },
    writeback: true,
    numQueues: 0x2322,
    discard: { maxSectors: 0x27262524, maxSegments: 0x2b2a2928, sectorAlignment: 0x2f2e2d2c },
    writeZeroes: { maxSectors: 0x33323130, maxSegments: 0x37363534, mayUnmap: true },
    secureErase: { maxSectors: 0x3f3e3d3c, maxSegments: 0x43424140, sectorAlignment: 0x47464544 },
  });
});

test("a field without its feature is null", () => {
  const { capacity, ...rest } = parseBlockConfig(counted(8), 0n);
  expect(capacity).toBe(0x050403020100);
  expect(new Set(Object.values(rest))).toEqual(new Set([null]));
});

test.each([
  [0n, 8],
  [1n << 1n, 12],
  [1n << 6n, 24],
  [1n << 11n, 33],
  [1n << 12n, 36],
  [1n << 14n, 57],
  [ALL, 72],
])("features %s need %d bytes", (features, length) => {
  expect(configLength(features)).toBe(length);
  expect(() => parseBlockConfig(new Uint8Array(length - 1), features)).toThrow(RangeError);
});

test("a capacity that is no safe integer is refused", () => {
  expect(() => parseBlockConfig(new Uint8Array(8).fill(0xff), 0n)).toThrow(/too large/);
});
