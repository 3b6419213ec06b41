import { expect, test } from "vitest";

import { createTestMemory } from "../../testing/index.ts";
import { createVirtqueue } from "./create-virtqueue.ts";
import { DescriptorChain } from "./descriptor-chain.ts";
import type { Virtqueue } from "./virtqueue.ts";

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

/** Address, length, flags and, in a split ring and its tables, next. */
type Entry = readonly [address: number | bigint, length: number, flags: number, next?: number];

const START = 0x10000;
const END = START + 0x20000;
const TABLE = START + 0x8000;
const DATA = START + 0x10000;

/** A queue in whose ring and table these descriptors are, with the first one available. */
function queueOf(packed: boolean, ring: readonly Entry[], table: readonly Entry[] = [], indirect = true): Virtqueue {
  const { memory } = createTestMemory(END - START);
  for (const [base, entries] of [
    [START, ring],
    [TABLE, table],
  ] as const) {
    for (const [i, [address, length, flags, next = i + 1]] of entries.entries()) {
      const view = new DataView(new ArrayBuffer(16));
      view.setBigUint64(0, BigInt(address), true);
      view.setUint32(8, length, true);
      view.setUint16(packed ? 14 : 12, packed && base === START ? flags | 0x80 : flags, true);
      view.setUint16(packed ? 12 : 14, packed ? 0 : next, true);
      memory.write(base + 16 * i, new Uint8Array(view.buffer));
    }
  }
  const settings = { size: 8, descriptorArea: START, driverArea: START + 0x4000, deviceArea: START + 0x5000 };
  if (!packed) memory.writeByte(settings.driverArea + 2, 1);
  return createVirtqueue(memory, settings, { packed, indirect });
}

/** What pop says. */
function faultOf(queue: Virtqueue): string | null {
  const chain = new DescriptorChain();
  const popped = queue.pop(chain);
  expect(popped).toBe(queue.fault === null);
  if (!popped) expect(queue.pop(chain)).toBe(false);
  return queue.fault;
}

const good: Entry = [DATA, 16, 0];
const loop = [0, 1, 2, 3, 4, 5, 6, 7].map((i): Entry => [DATA, 1, NEXT, (i + 1) % 8]);

test.each([
  ["an empty buffer", [[DATA, 0, 0]], "virtio: zero sized buffers are not allowed"],
  ["an address that is no memory", [[0x10, 16, 0]], "virtio: bogus descriptor: 0x10+0x10 is not memory"],
  ["a buffer over the end of memory", [[END - 8, 16, 0]], "virtio: bogus descriptor: 0x2fff8+0x10 is not memory"],
  ["an address from 2^53 on", [[2n ** 53n, 1, 0]], "virtio: bogus descriptor: 0x20000000000000+0x1 is not memory"],
  ["an end behind 2^64", [[2n ** 64n - 1n, 2, 0]], "virtio: bogus descriptor: 0xffffffffffffffff+0x2 is not memory"],
  [
    "a low half that is memory",
    [[2n ** 53n + BigInt(DATA), 1, 0]],
    "virtio: bogus descriptor: 0x20000000020000+0x1 is not memory",
  ],
  [
    "readable behind writable",
    [
      [DATA, 1, WRITE | NEXT],
      [DATA, 1, 0],
    ],
    "Incorrect order for descriptors",
  ],
  ["a loop", loop, "Looped descriptor"],
  ["a table with a next", [[TABLE, 16, INDIRECT | NEXT], good], "virtio: indirect descriptor with a next one"],
  ["a table of no bytes", [[TABLE, 0, INDIRECT]], "Invalid size for indirect buffer table: 0"],
  ["a table of 17 bytes", [[TABLE, 17, INDIRECT]], "Invalid size for indirect buffer table: 17"],
  ["a table of 2^16+1 entries", [[TABLE, 2 ** 20 + 16, INDIRECT]], "Invalid size for indirect buffer table: 1048592"],
  ["a table that is no memory", [[END - 16, 32, INDIRECT]], "Cannot map indirect buffer: 0x2fff0+0x20 is not memory"],
] as [string, Entry[], string][])("both forms refuse %s", (_, ring, fault) => {
  expect(faultOf(queueOf(false, ring))).toBe(fault);
  expect(faultOf(queueOf(true, ring))).toBe(fault);
});

test.each([false, true])("a table needs the feature, and takes none itself: packed %o", (packed) => {
  expect(faultOf(queueOf(packed, [[TABLE, 16, INDIRECT]], [good]))).toBe(null);
  // WRITE says nothing on what refers to a table.
  expect(faultOf(queueOf(packed, [[TABLE, 16, INDIRECT | WRITE]], [good]))).toBe(null);
  expect(faultOf(queueOf(packed, [[TABLE, 16, INDIRECT]], [good], false))).toBe(
    "virtio: indirect descriptor without VIRTIO_F_INDIRECT_DESC",
  );
  expect(faultOf(queueOf(packed, [[TABLE, 16, INDIRECT]], [[TABLE, 16, INDIRECT]]))).toBe(
    "virtio: indirect descriptor in an indirect table",
  );
});

test("a split ring takes direct descriptors and a table behind them", () => {
  const queue = queueOf(
    false,
    [
      [DATA, 16, NEXT],
      [DATA + 16, 8, NEXT],
      [TABLE, 32, INDIRECT],
    ],
    [
      [DATA, 4, NEXT | WRITE],
      [DATA, 5, WRITE],
    ],
  );
  const chain = new DescriptorChain();
  expect(queue.pop(chain)).toBe(true);
  expect(chain).toMatchObject({ parts: 4, readableParts: 2, readableLength: 24, writableLength: 9 });
  expect(chain.lengths.slice(0, 4)).toEqual([16, 8, 4, 5]);
});

test("a split ring refuses what leads outside", () => {
  expect(faultOf(queueOf(false, [[DATA, 1, NEXT, 8]]))).toBe("Desc next is 8");
  expect(faultOf(queueOf(false, [[TABLE, 32, INDIRECT]], [[DATA, 1, NEXT, 2], good]))).toBe("Desc next is 2");
  expect(
    faultOf(
      queueOf(
        false,
        [[TABLE, 32, INDIRECT]],
        [
          [DATA, 1, NEXT],
          [DATA, 1, NEXT, 0],
        ],
      ),
    ),
  ).toBe("Looped descriptor");
});

test("a packed ring does not mix direct descriptors and a table, and of a table only WRITE counts", () => {
  expect(
    faultOf(
      queueOf(
        true,
        [
          [DATA, 1, NEXT],
          [TABLE, 16, INDIRECT],
        ],
        [good],
      ),
    ),
  ).toBe("virtio: direct and indirect descriptors in one packed chain");
  const queue = queueOf(
    true,
    [[TABLE, 32, INDIRECT]],
    [
      [DATA, 1, 0xfff8],
      [DATA, 2, 0xfff8 | WRITE],
    ],
  );
  const chain = new DescriptorChain();
  expect(queue.pop(chain)).toBe(true);
  expect(chain).toMatchObject({ parts: 2, readableLength: 1, writableLength: 2, ringEntries: 1 });
});

test.each([false, true])("a chain has at most 1024 parts and 4 GiB: packed %o", (packed) => {
  const many = (count: number, length: number): Entry[] =>
    Array.from({ length: count }, (_, i): Entry => [START, length, i < count - 1 && !packed ? NEXT : 0]);
  expect(faultOf(queueOf(packed, [[TABLE, 1024 * 16, INDIRECT]], many(1024, 1)))).toBe(null);
  expect(faultOf(queueOf(packed, [[TABLE, 1025 * 16, INDIRECT]], many(1025, 1)))).toBe(
    "virtio: more than 1024 descriptors in a chain",
  );
});

test("a chain has at most 4 GiB", () => {
  // As much memory as this in one region is nothing but its size.
  const half = new ArrayBuffer(2 ** 31);
  const { memory, allocate } = createTestMemory(4096);
  memory.addRegion({ guestAddress: 2 ** 32, size: 2 ** 31, windows: [half] });
  const descriptorArea = allocate(64);
  const settings = { size: 4, descriptorArea, driverArea: allocate(32), deviceArea: allocate(64) };
  const put = (index: number, length: number, flags: number): void => {
    const view = new DataView(new ArrayBuffer(16));
    view.setBigUint64(0, 2n ** 32n, true);
    view.setUint32(8, length, true);
    view.setUint16(12, flags, true);
    view.setUint16(14, index + 1, true);
    memory.write(descriptorArea + 16 * index, new Uint8Array(view.buffer));
  };
  memory.writeByte(settings.driverArea + 2, 1);
  put(0, 2 ** 31, NEXT);
  put(1, 2 ** 31, 0);
  expect(faultOf(createVirtqueue(memory, settings))).toBe(null);
  put(1, 2 ** 31, NEXT);
  put(2, 1, 0);
  expect(faultOf(createVirtqueue(memory, settings))).toBe("virtio: more than 4 GiB in a chain");
});

test("an available index goes forward by at most the size of the ring", () => {
  const { memory, allocate } = createTestMemory(4096);
  const settings = { size: 4, descriptorArea: allocate(64), driverArea: allocate(32), deviceArea: allocate(64) };
  const queue = createVirtqueue(memory, settings);
  memory.writeByte(settings.driverArea + 2, 5);
  expect(faultOf(queue)).toBe("Guest moved available index from 0 to 5");
  memory.write(settings.driverArea + 2, Uint8Array.of(0xff, 0xff));
  expect(faultOf(createVirtqueue(memory, settings))).toBe("Guest moved available index from 0 to 65535");
  memory.write(settings.driverArea + 2, Uint8Array.of(1, 0, 4, 0));
  expect(faultOf(createVirtqueue(memory, settings))).toBe("Guest says index 4 is available");
});

test("after a fault nothing is written to the driver's memory any more", () => {
  const { memory, start, allocate } = createTestMemory(4096);
  const settings = { size: 4, descriptorArea: allocate(64), driverArea: allocate(32), deviceArea: allocate(64) };
  const data = allocate(16);
  const view = new DataView(new ArrayBuffer(32));
  view.setUint32(0, data, true);
  view.setUint32(8, 16, true);
  memory.write(settings.descriptorArea, new Uint8Array(view.buffer));
  memory.write(settings.driverArea + 2, Uint8Array.of(2, 0, 0, 0, 1, 0));
  const queue = createVirtqueue(memory, settings);
  const [first, second] = [new DescriptorChain(), new DescriptorChain()];
  expect(queue.pop(first)).toBe(true);
  expect(queue.pop(second)).toBe(false);
  expect(queue.fault).toBe("virtio: zero sized buffers are not allowed");
  const before = memory.contiguous(start, 4096)?.slice();
  queue.disableKicks();
  expect(queue.enableKicks()).toBe(false);
  queue.push(first, 0);
  expect(queue.publish()).toBe(false);
  expect(queue.putBack([])).toBe(false);
  expect(memory.contiguous(start, 4096)).toEqual(before);
  expect(queue.inFlight).toBe(0);
});
