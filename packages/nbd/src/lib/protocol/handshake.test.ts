import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeClientFlags,
  decodeExportReply,
  decodeServerGreeting,
  encodeClientFlags,
  encodeExportReply,
  encodeServerGreeting,
} from "./handshake.ts";

test("the greeting is NBDMAGIC, IHAVEOPT and the flags", () => {
  const greeting = Buffer.from(encodeServerGreeting(3));
  expect(greeting.toString("latin1")).toBe("NBDMAGICIHAVEOPT\0\u0003");
  expect(decodeServerGreeting(greeting)).toBe(3);
});

test.each([
  ["HTTP/1.1 400 Bad R", "NBD: the server did not say NBDMAGIC"],
  ["NBDMAGICIHAVENOT\0\0", "NBD: the server did not say IHAVEOPT"],
  ["NBDMAGIC\0\0\x42\x02\x81\x86\x12\x53\0\0", "NBD: the server speaks oldstyle only"],
])("%j is no greeting", (text, message) => {
  expect(() => decodeServerGreeting(Buffer.from(text, "latin1"))).toThrow(
    expect.objectContaining({ code: "EPROTO", message }),
  );
});

test("a greeting that is too short is the caller's error", () => {
  expect(() => decodeServerGreeting(Buffer.from("NBDMAGIC"))).toThrow(RangeError);
});

test("client flags and export replies come back as they were written", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.maxSafeNat(),
      fc.integer({ min: 0, max: 0xffff }),
      fc.boolean(),
      (clientFlags, size, flags, zeroes) => {
        expect(decodeClientFlags(encodeClientFlags(clientFlags))).toBe(clientFlags);
        const reply = encodeExportReply({ size, flags }, zeroes);
        expect(reply.length).toBe(zeroes ? 134 : 10);
        expect(decodeExportReply(reply)).toEqual({ size, flags });
      },
    ),
  );
});

test("a size over 2^53 is refused", () => {
  expect(() => decodeExportReply(new Uint8Array(10).fill(0xff))).toThrow("the export's size is over 2^53 - 1");
});
