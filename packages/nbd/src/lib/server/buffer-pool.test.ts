import fc from "fast-check";
import { expect, test } from "vitest";
import { BufferPool, HEADROOM, type PooledBuffer } from "./buffer-pool.ts";

test("a buffer has room for its payload and the headroom, and not twice too much", () => {
  const pool = new BufferPool(1 << 20);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1 << 20 }), (length) => {
      const buffer = pool.take(length);
      expect(buffer.payload(length)).toHaveLength(length);
      expect(buffer.payload(length).byteOffset).toBe(buffer.bytes.byteOffset + buffer.at);
      expect(buffer.at).toBeGreaterThanOrEqual(HEADROOM);
      expect(buffer.bytes.length - buffer.at).toBeGreaterThanOrEqual(length);
      expect(buffer.size).toBeGreaterThanOrEqual(length + HEADROOM);
      expect(buffer.size).toBeLessThan(Math.max(4096, length * 2) + HEADROOM + 1);
      pool.give(buffer);
    }),
  );
});

test("small buffers are cut from few pieces of memory, and none overlaps another", () => {
  const pool = new BufferPool(1 << 20);
  const buffers = Array.from({ length: 100 }, () => pool.take(4096));
  const whole = ({ bytes, at, size }: PooledBuffer): Buffer => bytes.subarray(at - HEADROOM, at - HEADROOM + size);
  for (const [index, buffer] of buffers.entries()) whole(buffer).fill(index);
  for (const [index, buffer] of buffers.entries()) expect(whole(buffer).every((byte) => byte === index)).toBe(true);
  expect(new Set(buffers.map(({ bytes }) => bytes)).size).toBeLessThan(10);
});

test("what is given back is handed out again", () => {
  const pool = new BufferPool(1 << 20);
  const first = pool.take(5000);
  const second = pool.take(5000);
  expect(second).not.toBe(first);
  pool.give(first);
  expect(pool.freeBytes).toBe(8192 + HEADROOM);
  expect(pool.take(4097)).toBe(first);
  expect(pool.freeBytes).toBe(0);
});

test("no more is kept than allowed, and 32 MiB is the most", () => {
  const pool = new BufferPool(10_000);
  const buffers = [pool.take(8192), pool.take(8192), pool.take(1)];
  for (const buffer of buffers) pool.give(buffer);
  expect(pool.freeBytes).toBe(8192 + HEADROOM);
  expect(pool.take(1 << 25).bytes.length).toBe((1 << 25) + HEADROOM);
  expect(() => pool.take((1 << 25) + 1)).toThrow(RangeError);
});
