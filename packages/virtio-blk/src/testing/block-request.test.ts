import { expect, test } from "vitest";

import { encodeBlockRanges, layOutBlockRequest, STATUS_NOT_WRITTEN } from "./block-request.ts";
import { createTestMemory } from "./test-memory.ts";

test("a request has header, data and status", () => {
  const { memory, start } = createTestMemory(4096);
  const layout = {
    type: 0,
    sector: 2n ** 63n,
    header: start,
    data: [{ address: start + 512, length: 512 }],
    status: start + 1024,
  };
  expect(layOutBlockRequest(memory, layout)).toEqual([
    { address: start, length: 16, writable: false },
    { address: start + 512, length: 512, writable: true },
    { address: start + 1024, length: 1, writable: true },
  ]);
  expect(memory.contiguous(start, 16)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80));
  expect(memory.readByte(start + 1024)).toBe(STATUS_NOT_WRITTEN);
  expect(layOutBlockRequest(memory, { ...layout, type: 1 })[1]?.writable).toBe(false);
});

test("cuts divide parts and join what lies side by side", () => {
  const { memory, start } = createTestMemory(4096);
  const write = { type: 1, header: start, data: [{ address: start + 16, length: 16 }], status: start + 100 };
  expect(layOutBlockRequest(memory, { ...write, cuts: [24] })).toEqual([
    { address: start, length: 24, writable: false },
    { address: start + 24, length: 8, writable: false },
    { address: start + 100, length: 1, writable: true },
  ]);
  expect(layOutBlockRequest(memory, { ...write, cuts: [1] })).toHaveLength(33);
  const read = {
    type: 0,
    header: start,
    data: [{ address: start + 32, length: 8 }],
    status: start + 40,
    cuts: [16, 99],
  };
  expect(layOutBlockRequest(memory, read)).toEqual([
    { address: start, length: 16, writable: false },
    { address: start + 32, length: 9, writable: true },
  ]);
  expect(() => layOutBlockRequest(memory, { ...write, cuts: [0] })).toThrow(RangeError);
});

test("range records are 16 bytes each", () => {
  expect(
    encodeBlockRanges([
      { sector: 1, sectors: 2, flags: 1 },
      { sector: 3, sectors: 4 },
    ]),
  ).toEqual(
    Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0),
  );
});
