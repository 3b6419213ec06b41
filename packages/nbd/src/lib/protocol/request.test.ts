import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createRequestHeader,
  readExtendedRequestHeader,
  readRequestHeader,
  writeExtendedRequestHeader,
  writeRequestHeader,
} from "./request.ts";

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

test("a compact request comes back as it was written", () => {
  fc.assert(
    fc.property(uint16, uint16, uint32, uint32, fc.maxSafeNat(), uint32, (flags, type, high, low, offset, length) => {
      const bytes = new Uint8Array(30);
      expect(writeRequestHeader(bytes, 1, flags, type, high, low, offset, length)).toBe(29);
      const header = createRequestHeader();
      expect(readRequestHeader(bytes, 1, header)).toBe(true);
      expect(header).toEqual({ flags, type, cookieHigh: high | 0, cookieLow: low | 0, offset, length });
      expect([bytes[0], bytes[29]]).toEqual([0, 0]);
    }),
  );
});

test("an extended request comes back as it was written", () => {
  fc.assert(
    fc.property(
      uint16,
      uint16,
      uint32,
      uint32,
      fc.maxSafeNat(),
      fc.maxSafeNat(),
      (flags, type, high, low, offset, length) => {
        const bytes = new Uint8Array(32);
        expect(writeExtendedRequestHeader(bytes, 0, flags, type, high, low, offset, length)).toBe(32);
        const header = createRequestHeader();
        expect(readExtendedRequestHeader(bytes, 0, header)).toBe(true);
        expect(header).toEqual({ flags, type, cookieHigh: high | 0, cookieLow: low | 0, offset, length });
      },
    ),
  );
});

test("a compact write looks on the wire as the protocol says", () => {
  const bytes = new Uint8Array(28);
  writeRequestHeader(bytes, 0, 1, 1, 0x01020304, 0x05060708, 0x1_0000_0200, 512);
  expect(Buffer.from(bytes).toString("hex")).toBe(
    ["25609513", "0001", "0001", "0102030405060708", "0000000100000200", "00000200"].join(""),
  );
});

test("the magic of the other form is not taken", () => {
  const bytes = new Uint8Array(32);
  const header = createRequestHeader();
  writeRequestHeader(bytes, 0, 1, 1, 1, 1, 1, 1);
  expect(readExtendedRequestHeader(bytes, 0, header)).toBe(false);
  writeExtendedRequestHeader(bytes, 0, 1, 1, 1, 1, 1, 1);
  expect(readRequestHeader(bytes, 0, header)).toBe(false);
  expect(header).toEqual(createRequestHeader());
});

test("nothing is read or written outside of the buffer", () => {
  const short = new Uint8Array(27);
  const header = createRequestHeader();
  expect(() => writeRequestHeader(short, 0, 0, 0, 0, 0, 0, 0)).toThrow(RangeError);
  expect(() => readRequestHeader(short, 0, header)).toThrow(RangeError);
  expect(() => writeExtendedRequestHeader(short, 0, 0, 0, 0, 0, 0, 0)).toThrow(RangeError);
  expect(() => readExtendedRequestHeader(short, 0, header)).toThrow(RangeError);
});
