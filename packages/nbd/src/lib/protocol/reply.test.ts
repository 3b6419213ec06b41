import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createReplyHeader,
  readReplyHeader,
  writeChunkHeader,
  writeExtendedChunkHeader,
  writeSimpleReply,
} from "./reply.ts";

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

test("a simple reply comes back as it was written", () => {
  fc.assert(
    fc.property(uint32, uint32, uint32, (error, high, low) => {
      const bytes = new Uint8Array(20);
      expect(writeSimpleReply(bytes, 2, error, high, low)).toBe(18);
      const header = createReplyHeader();
      expect(readReplyHeader(bytes, 2, 20, header)).toBe(16);
      expect(header).toMatchObject({ kind: "simple", error, cookieHigh: high | 0, cookieLow: low | 0, length: 0 });
    }),
  );
});

test("chunk headers come back as they were written", () => {
  fc.assert(
    fc.property(uint16, uint16, uint32, uint32, fc.maxSafeNat(), uint32, (flags, type, high, low, offset, length) => {
      const bytes = new Uint8Array(52);
      const at = writeChunkHeader(bytes, 0, flags, type, high, low, length);
      expect(writeExtendedChunkHeader(bytes, at, flags, type, high, low, offset, length)).toBe(52);
      const header = createReplyHeader();
      const common = { error: 0, flags, type, cookieHigh: high | 0, cookieLow: low | 0, length };
      expect(readReplyHeader(bytes, 0, 52, header)).toBe(20);
      expect(header).toMatchObject({ kind: "structured", ...common });
      expect(readReplyHeader(bytes, 20, 52, header)).toBe(32);
      expect(header).toMatchObject({ kind: "extended", ...common, offset });
    }),
  );
});

test("a header whose end has not arrived is waited for", () => {
  const bytes = new Uint8Array(32);
  const header = createReplyHeader();
  const forms: [number, () => number][] = [
    [16, () => writeSimpleReply(bytes, 0, 0, 1, 2)],
    [20, () => writeChunkHeader(bytes, 0, 1, 0, 1, 2, 0)],
    [32, () => writeExtendedChunkHeader(bytes, 0, 1, 0, 1, 2, 0, 0)],
  ];
  for (const [length, write] of forms) {
    write();
    for (let end = 0; end < length; end += 1) expect(readReplyHeader(bytes, 0, end, header)).toBe(0);
    expect(readReplyHeader(bytes, 0, length, header)).toBe(length);
  }
});

test("a header that was used before keeps nothing of it", () => {
  const bytes = new Uint8Array(36);
  const header = createReplyHeader();
  writeChunkHeader(bytes, 0, 1, 0x8001, 1, 2, 99);
  writeSimpleReply(bytes, 20, 5, 3, 4);
  readReplyHeader(bytes, 0, 36, header);
  readReplyHeader(bytes, 20, 36, header);
  expect(header).toEqual({ ...createReplyHeader(), error: 5, cookieHigh: 3, cookieLow: 4 });
});

test("an unknown magic is an error of the peer", () => {
  const bytes = Uint8Array.of(0x00, 0x44, 0x66, 0x98);
  expect(() => readReplyHeader(bytes, 0, 4, createReplyHeader())).toThrow(
    expect.objectContaining({ code: "EPROTO", message: "NBD: unknown reply magic 0x00446698" }),
  );
});

test("nothing is read or written outside of the buffer", () => {
  const bytes = new Uint8Array(15);
  expect(() => readReplyHeader(bytes, 0, 16, createReplyHeader())).toThrow(RangeError);
  expect(() => writeSimpleReply(bytes, 0, 0, 0, 0)).toThrow(RangeError);
  expect(() => writeChunkHeader(bytes, 0, 0, 0, 0, 0, 0)).toThrow(RangeError);
  expect(() => writeExtendedChunkHeader(bytes, 0, 0, 0, 0, 0, 0, 0)).toThrow(RangeError);
});
