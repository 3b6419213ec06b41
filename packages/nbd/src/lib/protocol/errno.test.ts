import { expect, test } from "vitest";
import { errorCode, wireError } from "./errno.ts";

test.each([
  ["EPERM", 1],
  ["EIO", 5],
  ["ENOMEM", 12],
  ["EINVAL", 22],
  ["ENOSPC", 28],
  ["EOVERFLOW", 75],
  ["ENOTSUP", 95],
  ["ESHUTDOWN", 108],
])("%s is %d on the wire, both ways", (code, wire) => {
  expect(wireError(code)).toBe(wire);
  expect(errorCode(wire)).toBe(code);
});

test.each([
  ["EROFS", 1],
  ["EDQUOT", 28],
  ["EFBIG", 28],
  ["EOPNOTSUPP", 95],
  ["ECONNRESET", 5],
  ["EWHATEVER", 5],
])("%s becomes %d", (code, wire) => {
  expect(wireError(code)).toBe(wire);
});

test("an unknown error of a peer is EINVAL", () => {
  expect(errorCode(4711)).toBe("EINVAL");
});
