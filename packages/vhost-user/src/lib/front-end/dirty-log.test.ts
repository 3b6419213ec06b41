import { expect, test } from "vitest";
import { DirtyLog, dirtyLogLength } from "./dirty-log.ts";

test("bit n % 8 of byte n / 8 is page n, and taking makes it clean", () => {
  const bits = new Uint8Array(4);
  const log = new DirtyLog(bits);
  bits[0] = 0b1000_0001;
  bits[3] = 0b0000_0010;
  expect([0, 4095, 4096, 7 * 4096, 25 * 4096 + 1, 1e12].map((address) => log.isDirty(address))).toEqual([
    true,
    true,
    false,
    true,
    true,
    false,
  ]);
  expect(log.takeDirtyPages()).toEqual([0, 7 * 4096, 25 * 4096]);
  expect(log.takeDirtyPages()).toEqual([]);
  expect([...bits]).toEqual([0, 0, 0, 0]);
});

test.each([
  [0, 0],
  [1, 1],
  [8 * 4096, 1],
  [8 * 4096 + 1, 2],
])("memory up to %d takes %d bytes of log", (end, length) => {
  expect(dirtyLogLength(end)).toBe(length);
});
