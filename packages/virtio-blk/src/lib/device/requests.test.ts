import { describe, expect, test } from "vitest";

import { VirtioBlkRequestType as Type, VirtioBlkStatus } from "./request-type.ts";
import { records, TestDisk, type TestDiskOptions } from "./testing/test-disk.ts";
import { CANARY, type GuestAsk } from "./testing/test-guest.ts";
import { VirtioBlkFeature } from "./virtio-features.ts";

const { OK, IOERR, UNSUPP } = VirtioBlkStatus;
const CAPACITY = 2048;

/** What became of one request: status, used length, whether its writable data was touched, and what the driver saw. */
function outcome(ask: GuestAsk, options: TestDiskOptions = {}): { status: number; written: number; log: string[] } {
  const disk = new TestDisk(options);
  const { status, written, data } = disk.do(ask);
  if (status !== OK && data.some((byte) => byte !== CANARY)) throw new Error("a failed request left data");
  return { status, written, log: disk.driver.log };
}

describe("IN and OUT", () => {
  test.each([
    { name: "beyond the capacity", sector: CAPACITY - 7, length: 4096 },
    { name: "at the capacity", sector: CAPACITY, length: 512 },
    { name: "at a sector that wraps", sector: 2 ** 64 - 2048, length: 512 },
    { name: "at a sector beyond exact numbers", sector: 2 ** 53, length: 512 },
    { name: "of half a sector", sector: 0, length: 256 },
    { name: "of a sector and a byte", sector: 0, length: 513 },
  ])("$name fails, and nothing is transferred", ({ sector, length }) => {
    const failed = { status: IOERR, log: [] };
    expect(outcome({ type: Type.IN, sector, inLength: length })).toMatchObject({ ...failed, written: 0 });
    expect(outcome({ type: Type.OUT, sector, out: new Uint8Array(length) })).toMatchObject({ ...failed, written: 1 });
  });

  test("up to the last sector, and of no length, succeed", () => {
    expect(outcome({ type: Type.IN, sector: CAPACITY - 1, inLength: 512 })).toMatchObject({ status: OK, written: 513 });
    expect(outcome({ type: Type.IN, sector: CAPACITY })).toEqual({ status: OK, written: 1, log: [] });
    expect(outcome({ type: Type.OUT, sector: CAPACITY })).toEqual({ status: OK, written: 1, log: [] });
  });

  test("have to fit the logical block", () => {
    const options = { declared: { requestAlignment: 4096 } };
    expect(outcome({ type: Type.IN, sector: 8, inLength: 4096 }, options).status).toBe(OK);
    expect(outcome({ type: Type.IN, sector: 4, inLength: 4096 }, options).status).toBe(IOERR);
    expect(outcome({ type: Type.IN, sector: 8, inLength: 2048 }, options)).toMatchObject({ status: IOERR, log: [] });
  });

  test("OUT fails on a device that is not writable", () => {
    const out = new Uint8Array(512);
    const failed = { status: IOERR, log: [] };
    expect(outcome({ type: Type.OUT, out }, { device: { writable: false } })).toMatchObject(failed);
    expect(outcome({ type: Type.OUT }, { device: { writable: false } })).toMatchObject(failed);
    expect(outcome({ type: Type.OUT, out }, { declared: { readOnly: true } })).toMatchObject(failed);
  });

  test("OUT with a writable buffer leaves it alone, and does not say that it was written", () => {
    const disk = new TestDisk();
    const request = disk.write(0, 1, 512, { inLength: 512 });
    expect([request.status, request.written, request.data[0]]).toEqual([OK, 0, CANARY]);
  });

  test("longer ones than the storage takes are split", () => {
    const declared = { maxTransfer: 1536, requestAlignment: 1024, preferredBlockSize: 4096 };
    const disk = new TestDisk({ declared });
    expect(disk.write(2, 7, 4096, { readable: [16, 700, 3396] }).status).toBe(OK);
    expect(disk.driver.log).toEqual(["write 1024+1024", "write 2048+1024", "write 3072+1024", "write 4096+1024"]);
    const read = disk.read(0, 6144, { writable: [1, 2000, 4143, 1] });
    expect(read.status).toBe(OK);
    expect([...read.data].lastIndexOf(7)).toBe(5119);
    expect([...read.data].indexOf(7)).toBe(1024);
  });

  test("keep no view of guest memory when they are over, and follow a storage that takes more", () => {
    const disk = new TestDisk({ declared: { maxTransfer: 512 } });
    disk.driver.hold = true;
    disk.read(0, 1024);
    const [request] = disk.driver.held;
    disk.driver.completeAll();
    expect(request?.iov).toEqual([]);
    disk.driver.capabilities = { ...disk.driver.capabilities, maxTransfer: 1024 };
    disk.device.onResized();
    disk.read(0, 1024);
    expect(disk.driver.log).toEqual(["read 0+512", "read 512+512", "read 0+1024"]);
  });

  test("thousands of pieces do not fill the stack, and others get their turn between", () => {
    const disk = new TestDisk({ declared: { maxTransfer: 512 }, size: 2 ** 20 });
    disk.guest.ask(disk.device, { type: Type.IN, inLength: 60_416 });
    const quick = disk.guest.ask(disk.device, { type: Type.IN, inLength: 512 });
    expect(disk.yielded).toHaveLength(1);
    disk.turns.shift()?.();
    disk.guest.collect();
    expect(quick.done).toBe(true);
    disk.run();
    expect(disk.guest.collect().map((request) => request.written)).toEqual([60_417]);
  });
});

test("a read that failed half-way shows nothing of what came", () => {
  const disk = new TestDisk({ declared: { maxTransfer: 512 } });
  disk.driver.disk.fill(0x11);
  disk.driver.hold = true;
  const request = disk.read(0, 1024);
  disk.driver.complete();
  disk.driver.completeTorn(0, "EIO");
  disk.run();
  disk.guest.collect();
  expect([request.status, request.written]).toEqual([IOERR, 512]);
  expect([...request.data.subarray(0, 512)]).toEqual(Array.from({ length: 512 }, () => 0x11));
  expect(request.data.subarray(512).every((byte) => byte === 0)).toBe(true);
});

describe("FLUSH", () => {
  test("reaches the storage; a sector or data with it does not matter", () => {
    expect(outcome({ type: Type.FLUSH, sector: 77, inLength: 3 })).toEqual({
      status: OK,
      written: 0,
      log: ["flush 0+0"],
    });
  });

  test("is answered at once where there is nothing to flush", () => {
    expect(outcome({ type: Type.FLUSH }, { declared: { flush: false } })).toEqual({ status: OK, written: 1, log: [] });
  });
});

describe("GET_ID", () => {
  test.each([
    { serial: "", length: 20, id: "\0".repeat(20) },
    { serial: "disk", length: 20, id: `disk${"\0".repeat(16)}` },
    { serial: "01234567890123456789x", length: 20, id: "01234567890123456789" },
    { serial: "disk-1", length: 4, id: "disk" },
    { serial: "disk-1", length: 0, id: "" },
  ])("answers $serial in $length bytes", ({ serial, length, id }) => {
    const disk = new TestDisk({ device: { serial } });
    const request = disk.do({ type: Type.GET_ID, inLength: length, writable: [length + 1] });
    expect([request.status, request.written, String.fromCharCode(...request.data)]).toEqual([OK, length + 1, id]);
  });

  test("writes 20 bytes into a longer buffer, and says so", () => {
    const request = new TestDisk({ device: { serial: "x" } }).do({ type: Type.GET_ID, inLength: 64 });
    expect([request.status, request.written, request.data[20]]).toEqual([OK, 20, CANARY]);
  });
});

describe("DISCARD and WRITE_ZEROES", () => {
  test("go to the storage record by record; empty ones do not", () => {
    const out = records([8, 8], [0, 0], [100, 1]);
    expect(outcome({ type: Type.DISCARD, out })).toEqual({
      status: OK,
      written: 1,
      log: ["discard 4096+4096", "discard 51200+512"],
    });
    const zeroes = records([8, 8, 0], [16, 8, 1]);
    expect(outcome({ type: Type.WRITE_ZEROES, out: zeroes })).toMatchObject({
      status: OK,
      log: ["write-zeroes 4096+4096", "write-zeroes 8192+4096 flags 2"],
    });
  });

  test("say nothing of unmap to storage that cannot give space back", () => {
    const declared = { discard: false };
    const disk = new TestDisk({ declared });
    expect(disk.device.readConfig(56, 1)[0]).toBe(0);
    disk.do({ type: Type.WRITE_ZEROES, out: records([0, 8, 1]) });
    expect(disk.driver.log).toEqual(["write-zeroes 0+4096"]);
  });

  test.each([
    { name: "no record", out: new Uint8Array(0), status: IOERR },
    { name: "half a record", out: records([0, 1]).subarray(0, 8), status: IOERR },
    { name: "a record and a half", out: records([0, 1], [0, 1]).subarray(0, 24), status: IOERR },
    { name: "65 records", out: records(...Array.from({ length: 65 }, () => [0, 1] as const)), status: IOERR },
    { name: "a bad second record", out: records([0, 1], [CAPACITY, 1]), status: IOERR },
    { name: "an unknown flag", out: records([0, 1], [1, 1, 4]), status: UNSUPP },
  ])("with $name do nothing", ({ out, status }) => {
    expect(outcome({ type: Type.DISCARD, out })).toMatchObject({ status, log: [] });
    expect(outcome({ type: Type.WRITE_ZEROES, out })).toMatchObject({ status, log: [] });
  });

  test("64 records are taken, in any descriptors", () => {
    const out = records(...Array.from({ length: 64 }, (_, at) => [at * 2, 1] as const));
    const readable = [10, 10, 1000, 16 + 1024 - 1020];
    expect(outcome({ type: Type.DISCARD, out, readable }).log).toHaveLength(64);
  });

  test("are unsupported unless they were negotiated", () => {
    const disk = new TestDisk({ stopped: true });
    const both = VirtioBlkFeature.DISCARD | VirtioBlkFeature.WRITE_ZEROES;
    disk.start(disk.guest.featuresFor(disk.device) & ~both);
    expect(disk.do({ type: Type.DISCARD, out: records([0, 1]) }).status).toBe(UNSUPP);
    expect(disk.do({ type: Type.WRITE_ZEROES, out: records([0, 1]) }).status).toBe(UNSUPP);
  });

  test("fail on a device that is not writable", () => {
    const device = { writable: false };
    expect(outcome({ type: Type.DISCARD, out: records([0, 1]) }, { device })).toMatchObject({
      status: UNSUPP,
      log: [],
    });
  });

  test("stop at the first record that fails; what the storage cannot do is unsupported", () => {
    const disk = new TestDisk();
    disk.driver.hold = true;
    const asks = [Type.DISCARD, Type.WRITE_ZEROES, Type.FLUSH].map((type) =>
      disk.guest.ask(disk.device, { type, out: records([0, 1], [2, 1]) }),
    );
    disk.driver.complete(2, "ENOTSUP");
    disk.driver.complete(0, "ENOTSUP");
    disk.driver.complete(0, "EIO");
    disk.run();
    disk.guest.collect();
    expect(asks.map((ask) => ask.status)).toEqual([UNSUPP, IOERR, IOERR]);
    expect(disk.driver.held).toHaveLength(0);
  });
});

test.each([2, 3, 5, 9, 10, 12, 14, 15, 16, 18, 20, 22, 24, 26, 0x80000000, 0xffffffff])(
  "type %i is unsupported",
  (type) => {
    expect(outcome({ type, out: records([0, 1]), inLength: 64 })).toEqual({ status: UNSUPP, written: 0, log: [] });
  },
);

describe("framing", () => {
  const ones = (count: number): number[] => Array.from({ length: count }, () => 1);

  test.each([
    { name: "a header in 16 buffers", ask: { readable: [...ones(16), 512] } },
    { name: "header and data in one buffer", ask: { readable: [528] } },
    { name: "buffers across header and data", ask: { readable: [7, 8, 2, 511] } },
    { name: "header and data in an indirect table", ask: { readable: [10, 6, 500, 12], direct: 0 } },
    { name: "a table behind direct descriptors", ask: { readable: [10, 6, 500, 12], direct: 2 } },
  ])("writes with $name", ({ ask }) => {
    const disk = new TestDisk({ guest: { tableEntries: 32 } });
    expect(disk.write(3, 0x5a, 512, ask).status).toBe(OK);
    expect([...disk.driver.disk.subarray(1535, 1538)]).toEqual([0, 0x5a, 0x5a]);
    expect([...disk.driver.disk.subarray(2047, 2049)]).toEqual([0x5a, 0]);
  });

  test.each([{ writable: [513] }, { writable: [...ones(20), 493] }, { writable: [511, 1, 1] }, { writable: [512, 1] }])(
    "reads into $writable",
    ({ writable }) => {
      const disk = new TestDisk();
      disk.driver.disk.fill(0x5a, 0, 512);
      const request = disk.read(0, 512, { writable });
      expect([request.status, request.written]).toEqual([OK, 513]);
      expect(request.data.every((byte) => byte === 0x5a)).toBe(true);
    },
  );

  test("takes a header from buffers that do not lie side by side", () => {
    const disk = new TestDisk();
    const { memory, allocate } = disk.guest.test;
    const [front, back, status] = [allocate(64), allocate(64), allocate(1)];
    memory.write(front, new Uint8Array(64).fill(0xff));
    memory.write(front, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    memory.write(back, Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0));
    disk.guest.queue.add([
      { address: front, length: 8, writable: false },
      { address: back, length: 8, writable: false },
      { address: disk.guest.test.start, length: 512, writable: false },
      { address: status, length: 1, writable: true },
    ]);
    disk.guest.kick(disk.device);
    expect(disk.driver.log).toEqual(["write 2560+512"]);
  });

  test("crosses windows of guest memory", () => {
    const disk = new TestDisk({ guest: { windowSize: 64 * 1024, slots: 4 } });
    const last = disk.guest.test.allocate(65536 * 2, 65536) + 65536 - 8;
    const { memory } = disk.guest.test;
    memory.write(last, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1));
    memory.write(last + 16, new Uint8Array(512).fill(3));
    const status = disk.guest.test.allocate(1);
    disk.guest.queue.add([
      { address: last, length: 528, writable: false },
      { address: status, length: 1, writable: true },
    ]);
    memory.writeByte(status, 0xff);
    disk.guest.kick(disk.device);
    disk.run();
    expect(disk.guest.queue.collect()?.written).toBe(1);
    expect([memory.readByte(status), disk.driver.disk[512], disk.driver.disk[1023]]).toEqual([0, 3, 3]);
  });
});

test("tells the dirty log of every byte that it wrote, and of the used ring", () => {
  const disk = new TestDisk();
  const dirty: string[] = [];
  const { memory } = disk.guest.test;
  memory.onDirty = (address, length) => dirty.push(`${address}+${length}`);
  const request = disk.read(0, 512, { writable: [100, 413] });
  const { writableAddress: at } = request;
  for (const range of [`${at}+100`, `${at + 100}+412`, `${at + 512}+1`]) expect(dirty).toContain(range);
  dirty.length = 0;
  const id = disk.do({ type: Type.GET_ID, inLength: 20 });
  expect(dirty).toContain(`${id.writableAddress}+20`);
  expect(dirty).toContain(`${id.writableAddress + 20}+1`);
});
