import { createRandom, type BlockExtent } from "@rehandle/driver-sdk";
import { describe, expect, it } from "vitest";
import { createMemoryStorage, type MemoryStorage } from "./memory-storage.ts";

function read(storage: MemoryStorage, offset: number, length: number): number[] {
  const bytes = new Uint8Array(length).fill(0xee);
  storage.read(offset, [bytes]);
  return [...bytes];
}

function filled(length: number, value = 1): Uint8Array {
  return new Uint8Array(length).fill(value);
}

function statusOf(storage: MemoryStorage, offset: number, length: number): string[] {
  const extents: BlockExtent[] = [];
  storage.status(offset, length, extents);
  return extents.map((extent) => `${extent.length}${extent.hole ? " hole" : ""}${extent.zero ? " zero" : ""}`);
}

describe("memory storage", () => {
  it("takes memory with the first write to a chunk, and never more than its size", () => {
    const storage = createMemoryStorage({ size: 1300, chunkSize: 512 });
    expect([storage.allocated, read(storage, 0, 3)]).toEqual([0, [0, 0, 0]]);
    storage.write(600, [filled(1)]);
    expect(storage.allocated).toBe(512);
    storage.write(0, [filled(1300)]);
    expect(storage.allocated).toBe(1300);
  });

  it("holds huge sizes for nothing", () => {
    const storage = createMemoryStorage({ size: Number.MAX_SAFE_INTEGER });
    const end = Number.MAX_SAFE_INTEGER - 2;
    storage.write(end, [filled(2, 7)]);
    expect(read(storage, end - 1, 3)).toEqual([0, 7, 7]);
    storage.zero(0, Number.MAX_SAFE_INTEGER - 1, false);
    expect(read(storage, end, 2)).toEqual([0, 7]);
    storage.zero(0, Number.MAX_SAFE_INTEGER, true);
    expect(storage.allocated).toBe(0);
    expect(statusOf(storage, 0, Number.MAX_SAFE_INTEGER)).toEqual([`${65536 * 65536} hole zero`]);
  });

  it("gives whole chunks back, and zeroes the rest", () => {
    const storage = createMemoryStorage({ size: 4096, chunkSize: 1024 });
    storage.write(0, [filled(4096)]);
    storage.zero(1000, 2096, true);
    expect(storage.allocated).toBe(2048);
    expect(read(storage, 999, 2098)).toEqual([1, ...Array.from({ length: 2096 }, () => 0), 1]);
    storage.zero(0, 4096, false);
    expect(storage.allocated).toBe(2048);
    expect(read(storage, 0, 4096).every((byte) => byte === 0)).toBe(true);
  });

  it("tells holes from data, within the request", () => {
    const storage = createMemoryStorage({ size: 4096, chunkSize: 512 });
    storage.write(600, [filled(1000)]);
    expect(statusOf(storage, 0, 4096)).toEqual(["512 hole zero", "1536", "2048 hole zero"]);
    expect(statusOf(storage, 100, 500)).toEqual(["412 hole zero", "88"]);
    expect(statusOf(storage, 700, 10)).toEqual(["10"]);
  });

  it("refuses a write over the allocation limit as a whole", () => {
    const storage = createMemoryStorage({ size: 4096, chunkSize: 512, allocationLimit: 1024 });
    storage.write(0, [filled(512)]);
    expect(() => storage.write(500, [filled(600), filled(500)])).toThrow(
      expect.objectContaining({ code: "ENOSPC", offset: 500, length: 1100 }),
    );
    expect([storage.allocated, read(storage, 500, 20)]).toEqual([512, [...filled(12), ...filled(8, 0)]]);
    storage.write(500, [filled(500)]);
    expect(() => storage.write(2000, [filled(1)])).toThrow("needs more than 1024 bytes");
    storage.zero(0, 512, true);
    storage.write(2000, [filled(1)]);
    expect(storage.allocated).toBe(1024);
  });

  it("keeps what stays when it is resized, and what is added reads as zeroes", () => {
    const storage = createMemoryStorage({ size: 1300, chunkSize: 512 });
    const sizes: number[] = [];
    const stop = storage.onResize((size) => sizes.push(size));
    storage.write(0, [filled(1300)]);
    storage.resize(700);
    expect([storage.size, storage.allocated]).toEqual([700, 700]);
    storage.resize(2000);
    storage.resize(2000);
    expect(storage.allocated).toBe(1024);
    expect(read(storage, 698, 4)).toEqual([1, 1, 0, 0]);
    expect(read(storage, 1023, 977).every((byte) => byte === 0)).toBe(true);
    storage.write(1000, [filled(1000)]);
    storage.resize(0);
    expect([storage.allocated, sizes]).toEqual([0, [700, 2000, 0]]);
    stop();
    storage.resize(5);
    expect(sizes).toHaveLength(3);
  });

  it("agrees with an array, whatever is done to it", () => {
    const random = createRandom(5);
    const below = (limit: number): number => Math.floor(random() * limit);
    const storage = createMemoryStorage({ size: 5000, chunkSize: 512 });
    let model = new Uint8Array(5000);
    for (let round = 1; round < 3000; round += 1) {
      const offset = below(model.length);
      const length = below(model.length - offset + 1);
      const kind = below(10);
      if (kind < 5) {
        const cut = below(length + 1);
        const bytes = filled(length, round % 256);
        storage.write(offset, [bytes.subarray(0, cut), bytes.subarray(cut)]);
        model.set(bytes, offset);
      } else if (kind < 9) {
        storage.zero(offset, length, kind < 7);
        model.fill(0, offset, offset + length);
      } else {
        const size = 1 + below(6000);
        const resized = new Uint8Array(size);
        resized.set(model.subarray(0, size));
        model = resized;
        storage.resize(size);
      }
      expect(storage.allocated).toBeLessThanOrEqual(model.length);
      const whole = new Uint8Array(model.length);
      storage.read(0, [whole]);
      const wrong = whole.findIndex((byte, index) => byte !== model[index]);
      if (wrong !== -1) throw new Error(`byte ${wrong} is wrong after round ${round}`);
    }
  });

  it.each([
    { size: -1 },
    { size: 0.5 },
    { size: NaN },
    { size: 1, chunkSize: 1000 },
    { size: 1, chunkSize: 256 },
    { size: 1, chunkSize: 1 << 25 },
    { size: 1, allocationLimit: -1 },
    { size: 1, allocationLimit: NaN },
  ])("refuses options out of range: %o", (options) => {
    expect(() => createMemoryStorage(options)).toThrow(RangeError);
  });
});
