import fc from "fast-check";
import { expect, test } from "vitest";
import {
  allocationExtent,
  blockStatusLength,
  decodeBlockStatus,
  decodeErrorChunk,
  decodeOffsetHole,
  encodeErrorChunk,
  encodeOffsetHole,
  writeBlockStatus,
} from "./chunk.ts";
import { NBD_EIO, NBD_REPLY_TYPE_ERROR, NBD_REPLY_TYPE_ERROR_OFFSET } from "./constants.ts";

const protocolError: unknown = expect.objectContaining({ code: "EPROTO" });

test("holes come back as they were written, and must not be empty", () => {
  const hole = { offset: 2 ** 40, length: 0xffffffff };
  expect(decodeOffsetHole(encodeOffsetHole(hole))).toEqual(hole);
  expect(() => decodeOffsetHole(encodeOffsetHole({ offset: 0, length: 0 }))).toThrow(protocolError);
  expect(() => decodeOffsetHole(new Uint8Array(13))).toThrow(protocolError);
});

test("errors come back as they were written", () => {
  const plain = { error: NBD_EIO, message: "bad sector" };
  expect(decodeErrorChunk(NBD_REPLY_TYPE_ERROR, encodeErrorChunk(plain))).toEqual(plain);
  const placed = { ...plain, offset: 2 ** 40 };
  expect(decodeErrorChunk(NBD_REPLY_TYPE_ERROR_OFFSET, encodeErrorChunk(placed))).toEqual(placed);
});

test("an error of a type that is not known is read as a plain one", () => {
  const chunk = encodeErrorChunk({ error: NBD_EIO, message: "bad sector", offset: 512 });
  expect(decodeErrorChunk(0x8123, chunk)).toEqual({ error: NBD_EIO, message: "bad sector" });
});

test("an error chunk must hold an error, its whole message, and its offset", () => {
  const chunk = encodeErrorChunk({ error: NBD_EIO, message: "bad sector", offset: 512 });
  for (let length = 0; length < chunk.length; length += 1) {
    expect(() => decodeErrorChunk(NBD_REPLY_TYPE_ERROR_OFFSET, chunk.subarray(0, length))).toThrow(protocolError);
  }
  expect(() => decodeErrorChunk(NBD_REPLY_TYPE_ERROR, new Uint8Array(6))).toThrow("without an error");
});

test("extents of base:allocation come back as they were written", () => {
  const extent = fc.record({
    length: fc.integer({ min: 1, max: 0xffffffff }),
    hole: fc.boolean(),
    zero: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(extent, { minLength: 1, maxLength: 20 }), (extents) => {
      const bytes = new Uint8Array(blockStatusLength(extents.length));
      expect(writeBlockStatus(bytes, 0, 7, extents)).toBe(bytes.length);
      const status = decodeBlockStatus(bytes);
      expect(status.contextId).toBe(7);
      expect(status.extents.map(({ length, flags }) => allocationExtent(length, flags))).toEqual(extents);
    }),
  );
});

test("a block status without extents, with half of one, or with an empty one is malformed", () => {
  expect(() => decodeBlockStatus(new Uint8Array(4))).toThrow(protocolError);
  expect(() => decodeBlockStatus(new Uint8Array(16))).toThrow(protocolError);
  expect(() => decodeBlockStatus(new Uint8Array(12))).toThrow("an empty extent");
  expect(() => writeBlockStatus(new Uint8Array(11), 0, 1, [{ length: 1, hole: false, zero: false }])).toThrow(
    RangeError,
  );
});
