import fc from "fast-check";
import { expect, test } from "vitest";
import {
  readInt32,
  readSafeUint64,
  readUint16,
  readUint32,
  readUint64,
  requireBytes,
  writeUint16,
  writeUint32,
  writeUint64,
} from "./integers.ts";

test("integers come back from the bytes they were written to", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.maxSafeNat(),
      (small, middle, large) => {
        const bytes = new Uint8Array(16);
        writeUint16(bytes, 1, small);
        writeUint32(bytes, 3, middle);
        writeUint64(bytes, 7, large);
        expect(readUint16(bytes, 1)).toBe(small);
        expect(readUint32(bytes, 3)).toBe(middle);
        expect(readInt32(bytes, 3)).toBe(middle | 0);
        expect(readUint64(bytes, 7)).toBe(large);
        expect([bytes[0], bytes[15]]).toEqual([0, 0]);
      },
    ),
  );
});

test("they are big-endian, as a DataView reads them", () => {
  const bytes = new Uint8Array(8);
  writeUint64(bytes, 0, 0x1234_5678_9abc);
  expect(new DataView(bytes.buffer).getBigUint64(0)).toBe(0x1234_5678_9abcn);
  writeUint32(bytes, 0, -2);
  expect(new DataView(bytes.buffer).getUint32(0)).toBe(0xfffffffe);
});

test("a 64-bit number over 2^53 stays over 2^53, and is an error where it has to be exact", () => {
  const bytes = new Uint8Array(8).fill(0xff);
  expect(readUint64(bytes, 0)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  expect(() => readSafeUint64(bytes, 0, "the size")).toThrow("NBD: the size is over 2^53 - 1");
  writeUint64(bytes, 0, Number.MAX_SAFE_INTEGER);
  expect(readSafeUint64(bytes, 0, "the size")).toBe(Number.MAX_SAFE_INTEGER);
});

test("bounds are checked", () => {
  const bytes = new Uint8Array(4);
  expect(() => requireBytes(bytes, 0, 4)).not.toThrow();
  expect(() => requireBytes(bytes, 1, 4)).toThrow(RangeError);
  expect(() => requireBytes(bytes, -1, 2)).toThrow(RangeError);
  expect(() => requireBytes(bytes, Number.NaN, 2)).toThrow(RangeError);
});
