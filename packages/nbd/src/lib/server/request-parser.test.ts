import { expect, test } from "vitest";
import { requestBytes } from "../testing/raw-client.ts";
import { RequestParser } from "./request-parser.ts";

/** A buffer with memory of its own, as a socket's read gives it. */
function owned(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

test("a header is put together from pieces, and data is copied out", () => {
  const parser = new RequestParser("shared");
  const bytes = requestBytes({ type: 1, offset: 77, cookie: [1, 2], data: Buffer.from("data") });
  for (const byte of bytes.subarray(0, 27)) {
    parser.push(Buffer.of(byte));
    expect(parser.nextHeader()).toBe(false);
  }
  parser.push(bytes.subarray(27));
  expect(parser.nextHeader()).toBe(true);
  expect(parser.header).toEqual({ type: 1, flags: 0, offset: 77, length: 4, cookieHigh: 1, cookieLow: 2 });
  const target = Buffer.alloc(10);
  expect(parser.copy(target, 3, 10)).toBe(4);
  expect(target.toString("latin1")).toBe("\0\0\0data\0\0\0");
  expect(parser.available).toBe(0);
});

test("what comes while something is left is added to it", () => {
  const parser = new RequestParser("shared");
  parser.push(Buffer.from("abcd"));
  expect(parser.skip(2)).toBe(2);
  parser.push(Buffer.from("ef"));
  const target = Buffer.alloc(4);
  expect(parser.copy(target, 0, 4)).toBe(4);
  expect(target.toString()).toBe("cdef");
  expect(parser.skip(1)).toBe(0);
});

test("a wrong magic is told at once", () => {
  const parser = new RequestParser("shared");
  parser.push(Buffer.alloc(28));
  expect(parser.nextHeader()).toBeNull();
});

test("memory is freed when all of it was taken, and only if nobody else has it", () => {
  const chunk = owned(Buffer.from("abcd"));
  const parser = new RequestParser("owned");
  parser.push(chunk);
  parser.skip(3);
  parser.release();
  expect(chunk.toString()).toBe("abcd");
  parser.skip(1);
  parser.release();
  // Node 20 cannot do it.
  expect(chunk).toHaveLength("transfer" in ArrayBuffer.prototype ? 0 : 4);

  const shared = Buffer.from("abcd");
  parser.push(shared);
  parser.skip(4);
  parser.release();
  expect(shared.toString()).toBe("abcd");

  const foreign = owned(Buffer.from("abcd"));
  const careful = new RequestParser("shared");
  careful.push(foreign);
  careful.skip(4);
  careful.release();
  expect(foreign.toString()).toBe("abcd");
});

test("memory that was only lent is copied if something is left", () => {
  const lent = Buffer.from("abcdef");
  const parser = new RequestParser("lent");
  parser.push(lent, 4);
  parser.skip(2);
  parser.release();
  lent.fill("x");
  parser.push(Buffer.from("ghij"), 2);
  const target = Buffer.alloc(4);
  expect(parser.copy(target, 0, 4)).toBe(4);
  expect(target.toString()).toBe("cdgh");
  parser.release();
  expect(parser.available).toBe(0);
});
