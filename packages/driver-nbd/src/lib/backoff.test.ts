import { createRandom } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";
import { createBackoff, wasRefused } from "./backoff.ts";

const most = (): number => 0;
const least = (): number => 1 - 2 ** -32;

test("pauses double up to the longest", () => {
  const backoff = createBackoff({ initialMs: 100, maxMs: 1000 }, most);
  const pauses = Array.from({ length: 6 }, () => backoff.afterFailure(false));
  expect(pauses).toEqual([100, 200, 400, 800, 1000, 1000]);
  backoff.reset();
  expect(backoff.afterFailure(false)).toBe(100);
});

test("being refused at once does not make it slower", () => {
  const backoff = createBackoff({}, most);
  for (let i = 0; i < 50; i += 1) expect(backoff.afterFailure(true)).toBe(100);
  expect(backoff.afterFailure(false)).toBe(100);
  for (let i = 0; i < 20; i += 1) backoff.afterFailure(false);
  expect(backoff.afterFailure(false)).toBe(5000);
  expect(backoff.afterFailure(true)).toBe(100);
});

test("jitter only shortens", () => {
  const backoff = createBackoff({ jitter: 0.5 }, least);
  expect(backoff.afterFailure(true)).toBeCloseTo(50, 5);
  const random = createBackoff({}, createRandom(1));
  const pauses = Array.from({ length: 20 }, () => random.afterFailure(true));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(80);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(100);
  expect(new Set(pauses).size).toBeGreaterThan(10);
});

test("what counts as refused", () => {
  expect(["ECONNREFUSED", "ENOENT", "EAGAIN"].every(wasRefused)).toBe(true);
  expect(["ETIMEDOUT", "EHOSTUNREACH", "EACCES", "ENOTFOUND"].some(wasRefused)).toBe(false);
});

test("wrong options are named", () => {
  expect(() => createBackoff({ initialMs: 0 }, most)).toThrow(/initialMs must be > 0/);
  expect(() => createBackoff({ initialMs: 10, maxMs: 5 }, most)).toThrow(/maxMs must be >= initialMs/);
  expect(() => createBackoff({ jitter: 2 }, most)).toThrow(/jitter must be from 0 to 1/);
  expect(() => createBackoff({ refusedMaxMs: Number.NaN }, most)).toThrow(/refusedMaxMs must be > 0/);
});
