import fc from "fast-check";
import { expect, test } from "vitest";

import { VirtioError } from "../virtio-error.ts";
import { GuestMemory, type MemoryRegion } from "./guest-memory.ts";

function regionOf(guestAddress: number, ...windows: number[]): MemoryRegion {
  return {
    guestAddress,
    size: windows.reduce((total, bytes) => total + bytes, 0),
    windows: windows.map((bytes) => new ArrayBuffer(bytes)),
  };
}

function codeOf(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return error instanceof VirtioError ? error.code : String(error);
  }
}

test("regions do not overlap and are made of windows of one size", () => {
  const memory = new GuestMemory([regionOf(0x1000, 64, 64)]);
  expect(codeOf(() => memory.addRegion(regionOf(0x1070, 64)))).toBe("memory-region");
  expect(codeOf(() => memory.addRegion(regionOf(0xff0, 32)))).toBe("memory-region");
  expect(codeOf(() => memory.addRegion(regionOf(0x1010, 16)))).toBe("memory-region");
  expect(codeOf(() => memory.addRegion(regionOf(0x1080, 64)))).toBe(null);
  expect(codeOf(() => memory.addRegion(regionOf(0xfc0, 64)))).toBe(null);
  expect(memory.regions.map((region) => region.guestAddress)).toEqual([0xfc0, 0x1000, 0x1080]);
  for (const windows of [[64, 32, 64], [48, 48], [8, 8], [64, 128], []]) {
    expect(codeOf(() => new GuestMemory([regionOf(0, ...windows)]))).toBe("memory-region");
  }
  const oneWindow = [new ArrayBuffer(64)];
  for (const region of [
    { guestAddress: 8, size: 64, windows: oneWindow },
    { guestAddress: -16, size: 64, windows: oneWindow },
    { guestAddress: 0, size: 65, windows: oneWindow },
    { guestAddress: 0, size: 0, windows: oneWindow },
    { guestAddress: 2 ** 53 - 32, size: 64, windows: oneWindow },
    { guestAddress: 0, size: 64, windows: [new ArrayBuffer(64), new ArrayBuffer(64)] },
  ]) {
    expect(codeOf(() => new GuestMemory([region]))).toBe("memory-region");
  }
  expect(codeOf(() => new GuestMemory([{ guestAddress: 0, size: 40, windows: oneWindow }]))).toBe(null);
});

test("what was removed is no memory any more", () => {
  const memory = new GuestMemory([regionOf(0, 64), regionOf(64, 64)]);
  const { generation } = memory;
  expect(memory.contains(32, 64)).toBe(true);
  expect(memory.removeRegion({ guestAddress: 64, size: 32 })).toBe(false);
  expect(memory.removeRegion({ guestAddress: 64, size: 64 })).toBe(true);
  expect(memory.generation).toBeGreaterThan(generation);
  expect(memory.contains(32, 64)).toBe(false);
  expect(memory.contains(64, 1)).toBe(false);
  expect(memory.readByte(64)).toBe(-1);
  expect(memory.writeByte(64, 1)).toBe(false);
});

test("whoever keeps a dirty log hears what was written", () => {
  const memory = new GuestMemory([regionOf(0, 64)]);
  memory.wrote(0, 1);
  const heard: number[][] = [];
  memory.onDirty = (address, length) => heard.push([address, length]);
  memory.wrote(16, 4);
  memory.wrote(20, 0);
  expect(heard).toEqual([[16, 4]]);
});

/** Bytes 0 … 191 of the guest are 0 … 191, over three regions and four windows; behind them is a hole and then memory again. */
function numbered(): GuestMemory {
  const memory = new GuestMemory([regionOf(0, 32, 32), regionOf(64, 64), regionOf(128, 64), regionOf(256, 64)]);
  for (let i = 0; i < 192; i++) memory.writeByte(i, i);
  return memory;
}

test("translation finds every byte or none", () => {
  const memory = numbered();
  fc.assert(
    fc.property(fc.integer({ min: -40, max: 400 }), fc.integer({ min: 0, max: 300 }), (address, length) => {
      const kept = new Uint8Array(1);
      const iov = [kept];
      const inside = address >= 0 && (address + length <= 192 || (address >= 256 && address + length <= 320));
      // No bytes at all are anywhere; only where something is asked for it matters.
      fc.pre(length > 0);
      expect(memory.contains(address, length)).toBe(inside);
      expect(memory.translate(address, length, iov)).toBe(inside);
      expect(iov[0]).toBe(kept);
      const read = new Uint8Array(length);
      expect(memory.read(address, read)).toBe(inside);
      if (!inside) {
        expect(iov).toHaveLength(1);
        expect(read.every((byte) => byte === 0)).toBe(true);
        expect(memory.contiguous(address, length)).toBe(null);
        expect(memory.write(address, read)).toBe(false);
        return;
      }
      const expected = Array.from({ length }, (_, i) => (address + i < 192 ? address + i : 0));
      expect(iov.slice(1).flatMap((part) => [...part])).toEqual(expected);
      expect([...read]).toEqual(expected);
      const windows = [0, 32, 64, 128, 256].filter((start) => start > address && start < address + length).length + 1;
      expect(iov).toHaveLength(1 + windows);
      const whole = memory.contiguous(address, length);
      expect(whole === null).toBe(windows > 1);
      if (whole !== null) expect([...whole]).toEqual(expected);
      expect(memory.write(address, read)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("numbers that are no addresses are no memory", () => {
  const memory = numbered();
  for (const address of [Number.NaN, Number.POSITIVE_INFINITY, -1, 2 ** 53, 2 ** 64]) {
    expect(memory.contains(address, 1)).toBe(false);
    expect(memory.translate(address, 1, [])).toBe(false);
    expect(memory.contiguous(address, 1)).toBe(null);
    expect(memory.readByte(address)).toBe(-1);
  }
  expect(memory.contains(0, 2 ** 53)).toBe(false);
});

test("parts are the memory itself", () => {
  const memory = numbered();
  const iov: Uint8Array[] = [];
  memory.translate(60, 8, iov);
  iov[0]?.fill(255);
  iov[1]?.fill(254);
  expect(Array.from({ length: 10 }, (_, i) => memory.readByte(59 + i))).toEqual([
    59, 255, 255, 255, 255, 254, 254, 254, 254, 68,
  ]);
});
