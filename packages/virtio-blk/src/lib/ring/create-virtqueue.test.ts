import { expect, test } from "vitest";

import { createTestMemory } from "../../testing/index.ts";
import { VirtioError } from "../virtio-error.ts";
import { createVirtqueue } from "./create-virtqueue.ts";
import { inflightBytes } from "./inflight-bytes.ts";

const { memory, start, end } = createTestMemory(1 << 20, { windowSize: 1 << 19 });
const settings = { size: 8, descriptorArea: start, driverArea: start + 0x1000, deviceArea: start + 0x2000 };

function codeOf(change: object, packed = false): string | null {
  try {
    createVirtqueue(memory, { ...settings, ...change }, { packed });
    return null;
  } catch (error) {
    return error instanceof VirtioError ? error.code : String(error);
  }
}

test("sizes are powers of two for a split ring and anything up to 32768 for a packed one", () => {
  for (const size of [0, -1, 1.5, 32769, Number.NaN]) {
    expect(codeOf({ size })).toBe("queue-size");
    expect(codeOf({ size }, true)).toBe("queue-size");
  }
  expect(codeOf({ size: 3 })).toBe("queue-size");
  expect(codeOf({ size: 3 }, true)).toBe(null);
  expect(codeOf({ size: 1 })).toBe(null);
});

test("areas are aligned, in guest memory and in one window", () => {
  for (const packed of [false, true]) {
    expect(codeOf({}, packed)).toBe(null);
    expect(codeOf({ descriptorArea: start + 8 }, packed)).toBe("queue-area");
    expect(codeOf({ driverArea: start + 0x1001 }, packed)).toBe("queue-area");
    expect(codeOf({ deviceArea: start + 0x2002 }, packed)).toBe("queue-area");
    expect(codeOf({ descriptorArea: 0 }, packed)).toBe("queue-area");
    expect(codeOf({ descriptorArea: end - 16 }, packed)).toBe("queue-area");
    expect(codeOf({ descriptorArea: start + (1 << 19) - 16 }, packed)).toBe("queue-area");
    expect(codeOf({ deviceArea: end }, packed)).toBe("queue-area");
    expect(codeOf({ driverArea: 2 ** 53 }, packed)).toBe("queue-area");
  }
  // Used and available ring of a split queue end where they end.
  expect(codeOf({ deviceArea: end - 4 - 8 * 8 })).toBe(null);
  expect(codeOf({ deviceArea: end - 8 * 8 })).toBe("queue-area");
});

test("a packed ring starts at an entry that it has", () => {
  const position = { available: 8, availableWrap: 1, used: 0, usedWrap: 1 };
  expect(codeOf({ position }, true)).toBe("queue-position");
  expect(codeOf({ position })).toBe(null);
});

test("an inflight region is large enough and fits the queue", () => {
  expect(inflightBytes(128, false)).toBe(2112);
  expect(inflightBytes(128, true)).toBe(4160);
  for (const packed of [false, true]) {
    const bytes = inflightBytes(8, packed);
    expect(codeOf({ inflight: new Uint8Array(bytes - 64) }, packed)).toBe("inflight");
    expect(codeOf({ inflight: new Uint8Array(new ArrayBuffer(bytes + 8), 4, bytes) }, packed)).toBe("inflight");
    const inflight = new Uint8Array(bytes);
    expect(codeOf({ inflight }, packed)).toBe(null);
    expect([...inflight.subarray(8, 12)]).toEqual([1, 0, 8, 0]);
    expect(codeOf({ inflight }, packed)).toBe(null);
    expect(codeOf({ inflight, size: 16 }, packed)).toBe("inflight");
    inflight[8] = 2;
    expect(codeOf({ inflight }, packed)).toBe("inflight");
  }
});

test("a damaged inflight region is refused or worked with, and no more", () => {
  let seed = 1;
  const next = (): number => (seed = (seed * 48271) % 2147483647);
  for (let run = 0; run < 3000; run++) {
    const packed = run % 2 === 0;
    const inflight = new Uint8Array(inflightBytes(8, packed));
    expect(codeOf({ inflight }, packed)).toBe(null);
    for (let i = next() % 12; i >= 0; i--) inflight[12 + (next() % (inflight.length - 12))] = next() % 9;
    expect(["inflight", null]).toContain(codeOf({ inflight }, packed));
  }
});
