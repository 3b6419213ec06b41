import fc from "fast-check";
import { expect, test } from "vitest";
import { AddressAllocator } from "./address-allocator.ts";

test("what is given out is aligned, inside, and nobody else's", () => {
  const sizes = fc.array(fc.record({ size: fc.integer({ min: 1, max: 900 }), power: fc.integer({ min: 0, max: 8 }) }));
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.boolean()), (wanted, frees) => {
      const allocator = new AddressAllocator();
      allocator.add(0x10010, 4000);
      allocator.add(0x20000, 4096);
      const held: { start: number; size: number }[] = [];
      for (const { size, power } of wanted) {
        const start = tryAllocate(allocator, size, 2 ** power);
        if (start !== null) {
          expect(start % 2 ** power).toBe(0);
          expect(inside(start, size, 0x10010, 4000) || inside(start, size, 0x20000, 4096)).toBe(true);
          expect(held.filter((other) => start < other.start + other.size && other.start < start + size)).toEqual([]);
          held.push({ start, size });
        }
        if (frees.next().value && held.length > 0) allocator.free(held.shift()!.start);
      }
      for (const { start } of held) allocator.free(start);
      // All of it came back, and in one piece.
      expect(allocator.allocate(4000, 16)).toBe(0x10010);
      expect(allocator.allocate(4096, 16)).toBe(0x20000);
    }),
  );
});

test("nothing reaches from one run into another", () => {
  for (const starts of [
    [0, 64],
    [64, 0],
  ]) {
    const allocator = new AddressAllocator();
    for (const start of starts) allocator.add(start, 64);
    expect(() => allocator.allocate(65, 1)).toThrow(RangeError);
    const first = allocator.allocate(64, 1);
    allocator.free(allocator.allocate(64, 1));
    allocator.free(first);
    expect(() => allocator.allocate(65, 1)).toThrow(RangeError);
    expect(allocator.withdraw(0, 128)).toBe(true);
  }
});

test("an address that was not given out cannot be freed, nor twice", () => {
  const allocator = new AddressAllocator();
  allocator.add(0, 4096);
  const address = allocator.allocate(16);
  allocator.free(address);
  expect(() => allocator.free(address)).toThrow(RangeError);
});

test("only what nobody has is withdrawn", () => {
  const allocator = new AddressAllocator();
  allocator.add(0, 4096);
  allocator.add(8192, 4096);
  const address = allocator.allocate(16);
  expect(allocator.withdraw(0, 4096)).toBe(false);
  expect(allocator.withdraw(8192, 4096)).toBe(true);
  expect(tryAllocate(allocator, 4090, 1)).toBeNull();
  allocator.free(address);
  expect(allocator.withdraw(0, 4096)).toBe(true);
});

function tryAllocate(allocator: AddressAllocator, size: number, alignment: number): number | null {
  try {
    return allocator.allocate(size, alignment);
  } catch {
    return null;
  }
}

function inside(start: number, size: number, from: number, length: number): boolean {
  return start >= from && start + size <= from + length;
}
