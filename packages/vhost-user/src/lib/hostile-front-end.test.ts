import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { RawFrontEnd } from "./back-end/testing/raw-front-end.ts";
import { countDescriptors, countMappings, startServer, until } from "./back-end/testing/test-server.ts";
import type { TestServer } from "./back-end/testing/test-server.ts";
import { FrontEndRequest, HeaderFlag } from "./message-numbers.ts";
import {
  encodeConfig,
  encodeInflight,
  encodeLog,
  encodeMemoryTable,
  encodeSingleRegion,
  encodeU64,
  encodeVringAddress,
  encodeVringState,
} from "./messages.ts";
import { loadSystemCalls } from "./system-calls.ts";

const calls = await loadSystemCalls();
const R = FrontEndRequest;
const MEMORY = 65536;

let server: TestServer;
let descriptors = 0;
let mappings = 0;

beforeAll(async () => {
  // What is opened once and for all is open before anything is counted.
  const first = await startServer();
  new RawFrontEnd(calls, first.path).close();
  await first.close();
});
beforeEach(async () => {
  descriptors = countDescriptors();
  mappings = countMappings();
  server = await startServer({ numQueues: 2, stopPatience: 1 });
});
afterEach(async () => {
  await server.close();
  await until(() => countDescriptors() === descriptors && countMappings() === mappings);
});

/** A well-behaved front end still gets its answers. */
async function expectAlive(alive: TestServer): Promise<void> {
  const frontEnd = new RawFrontEnd(calls, alive.path);
  const payload = await frontEnd.request(R.GET_QUEUE_NUM, new Uint8Array(0));
  expect(payload).toHaveLength(8);
  frontEnd.close();
}

test("each breach of the protocol is told, and the next front end is served", async () => {
  const memory = calls.createMemoryFile("guest", MEMORY);
  const file = fs.openSync(path.join(path.dirname(server.path), "file"), "w+");
  const table = (size: bigint, mmapOffset = 0n, guestAddress = 0n): Uint8Array =>
    encodeMemoryTable([{ guestAddress, userAddress: 0n, size, mmapOffset }]);
  const inflight = { mmapSize: 4096n, mmapOffset: 0n, numQueues: 3, queueSize: 128 };
  const cases: [number, Uint8Array, number[], string][] = [
    [99, new Uint8Array(0), [], "request 99 is not supported"],
    [R.SET_FEATURES, encodeU64(1n << 60n), [], "features 0x1000000000000000 cannot be negotiated"],
    [R.SET_PROTOCOL_FEATURES, encodeU64(1n << 8n), [], "protocol features 0x100 were not offered"],
    [R.SET_VRING_NUM, encodeVringState({ index: 2, num: 16 }), [], "there is no queue 2"],
    [R.SET_VRING_ENABLE, encodeVringState({ index: 0, num: 2 }), [], "VHOST_USER_SET_VRING_ENABLE has value 2"],
    [R.SET_VRING_KICK, encodeU64(0n), [], "VHOST_USER_SET_VRING_KICK came without a file descriptor"],
    [R.SET_VRING_KICK, encodeU64(0x100n), [], "a ring without a kick descriptor, to be polled, is not supported"],
    [R.SET_VRING_KICK, encodeU64(0n), [file], "epoll_ctl: EPERM"],
    [R.SET_BACKEND_REQ_FD, new Uint8Array(0), [file], "epoll_ctl: EPERM"],
    [R.SET_VRING_NUM, new Uint8Array(7), [], "VHOST_USER_SET_VRING_NUM has 7 bytes of payload, expected 8"],
    [R.SET_MEM_TABLE, table(4096n), [], "VHOST_USER_SET_MEM_TABLE has 1 regions and 0 file descriptors"],
    [R.SET_MEM_TABLE, table(65537n), [memory], "memory of 65537 bytes at 0 reaches beyond its file of 65536 bytes"],
    [
      R.SET_MEM_TABLE,
      table(4096n, 65536n),
      [memory],
      "memory of 4096 bytes at 65536 reaches beyond its file of 65536 bytes",
    ],
    [R.SET_MEM_TABLE, table(4096n, 1n << 60n), [memory], "offset 0x1000000000000000 is too large"],
    [R.SET_MEM_TABLE, table(0n), [memory], "memory of 0 bytes at 0 of its file cannot be mapped"],
    [R.SET_MEM_TABLE, table(4096n, 0n, 7n), [memory], "guest address 7 of a memory region is not a multiple of 16"],
    [R.SET_MEM_TABLE, table(4096n), [0], "memory is not in a regular file"],
    [
      R.REM_MEM_REG,
      encodeSingleRegion({ guestAddress: 0n, userAddress: 0n, size: 1n, mmapOffset: 0n }),
      [],
      "there is no such memory region to remove",
    ],
    [
      R.SET_INFLIGHT_FD,
      encodeInflight(inflight),
      [memory],
      "an inflight region for 3 queues of 128: there are 2 of 1024",
    ],
    [
      R.GET_INFLIGHT_FD,
      encodeInflight({ ...inflight, queueSize: 0 }),
      [],
      "an inflight region for 3 queues of 0: there are 2 of 1024",
    ],
    [
      R.SET_LOG_BASE,
      encodeLog({ size: 0n, offset: 0n }),
      [memory],
      "memory of 0 bytes at 0 of its file cannot be mapped",
    ],
    [
      R.GET_CONFIG,
      encodeConfig({ offset: 0, size: 300, flags: 0, bytes: new Uint8Array(300) }),
      [],
      "VHOST_USER_GET_CONFIG reaches beyond 256 bytes of configuration",
    ],
  ];
  for (const [request, payload, fds] of cases) {
    const frontEnd = new RawFrontEnd(calls, server.path);
    frontEnd.send(request, payload, fds);
    await frontEnd.closed;
  }
  await expectAlive(server);
  await until(() => server.reasons().length === cases.length + 1);
  expect(server.reasons()).toEqual([...cases.map(([, , , reason]) => reason), null]);
  calls.close(memory);
  fs.closeSync(file);
});

test("regions may not overlap, in either kind of address, nor be too many bytes", async () => {
  const small = await startServer({ maxMemory: MEMORY });
  const memory = calls.createMemoryFile("guest", MEMORY);
  const add = (frontEnd: RawFrontEnd, guestAddress: bigint, userAddress: bigint, size = 8192n): void =>
    frontEnd.send(R.ADD_MEM_REG, encodeSingleRegion({ guestAddress, userAddress, size, mmapOffset: 0n }), [memory]);
  for (const [guest, user, size] of [
    [4096n, 65536n, 8192n],
    [65536n, 4096n, 8192n],
    [65536n, 65536n, 65536n],
  ] as const) {
    const frontEnd = new RawFrontEnd(calls, small.path);
    add(frontEnd, 0n, 0n);
    add(frontEnd, guest, user, size);
    await frontEnd.closed;
  }
  await until(() => small.reasons().length === 3);
  expect(small.reasons()).toEqual([
    "memory region 0x1000+0x2000 overlaps 0x0+0x2000, which is there already",
    "memory regions overlap in the front end's addresses",
    "73728 bytes of memory are more than 65536",
  ]);
  await small.close();
  calls.close(memory);
});

test("a refusal is answered where an answer was asked for", async () => {
  const frontEnd = new RawFrontEnd(calls, server.path);
  frontEnd.send(R.SET_PROTOCOL_FEATURES, encodeU64(1n << 3n));
  expect(await frontEnd.request(R.SET_OWNER, new Uint8Array(0))).toEqual(encodeU64(0n));
  expect(await frontEnd.request(R.SET_VRING_NUM, encodeVringState({ index: 9, num: 1 }))).toEqual(encodeU64(1n));
  await frontEnd.closed;
});

/** Hangs up when all was read, if the server did not do so before, and waits until that is noticed. */
async function leave(frontEnd: RawFrontEnd): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  frontEnd.close();
  await until(() => !server.server.connected);
}

/** Descriptors of every kind that a front end might send. */
function openAll(): number[] {
  const folder = path.dirname(server.path);
  return [
    calls.createMemoryFile("guest", MEMORY),
    calls.createEvent(),
    fs.openSync(path.join(folder, "file"), "w+"),
    fs.openSync(folder, "r"),
    fs.openSync("/dev/zero", "r+"),
    fs.openSync("/dev/null", "r+"),
    ...calls.socketPair(),
  ];
}

const u32 = fc.oneof(fc.constantFrom(0, 1, 2, 16, 0x100, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
const u64 = fc.oneof(
  fc.constantFrom(0n, 1n, 4096n, 8192n, 65536n, 0x100000000n, 0x140000000n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const region = fc.record({ guestAddress: u64, size: u64, userAddress: u64, mmapOffset: u64 });
const address = fc.record({ index: u32, flags: u32, descriptor: u64, used: u64, available: u64, log: u64 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  u64.map(encodeU64),
  fc.record({ index: u32, num: u32 }).map(encodeVringState),
  address.map(encodeVringAddress),
  fc.array(region, { maxLength: 8 }).map(encodeMemoryTable),
  region.map(encodeSingleRegion),
  fc.record({ size: u64, offset: u64 }).map(encodeLog),
  fc.record({ mmapSize: u64, mmapOffset: u64, numQueues: u16, queueSize: u16 }).map(encodeInflight),
);
const message = fc.record({
  request: fc.oneof(fc.constantFrom(...Object.values(R)), fc.integer({ min: 0, max: 50 })),
  flags: fc.constantFrom(0, HeaderFlag.NEED_REPLY, HeaderFlag.REPLY),
  payload,
  fds: fc.array(fc.nat({ max: 7 }), { maxLength: 8 }),
});

test("random messages with random descriptors end a connection at worst", async () => {
  const fds = openAll();
  const check = fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
    const frontEnd = new RawFrontEnd(calls, server.path);
    for (const { request, flags, payload, fds: chosen } of messages) {
      frontEnd.channel.send(
        request,
        flags,
        payload,
        chosen.map((index) => fds[index] ?? 0),
      );
    }
    await leave(frontEnd);
  });
  await expect(fc.assert(check, { numRuns: 400 })).resolves.toBeUndefined();
  await expectAlive(server);
  for (const fd of fds) calls.close(fd);
});

test("random messages after a good start end a connection at worst", async () => {
  const fds = openAll();
  const [memory = -1, kick = -1] = fds;
  const check = fc.asyncProperty(fc.array(message, { maxLength: 6 }), async (messages) => {
    const frontEnd = new RawFrontEnd(calls, server.path);
    await frontEnd.start(memory, MEMORY, { kick, call: kick });
    for (const { request, payload, fds: chosen } of messages) {
      frontEnd.channel.send(
        request,
        0,
        payload,
        chosen.map((index) => fds[index] ?? 0),
      );
      calls.writeEvent(kick);
    }
    await leave(frontEnd);
  });
  await expect(fc.assert(check, { numRuns: 200 })).resolves.toBeUndefined();
  await expectAlive(server);
  for (const fd of fds) calls.close(fd);
});

/** A file that cannot be sealed, as QEMU's memory-backend-file and User-Mode Linux have it. */
function openSharedMemory(): number {
  const name = `/dev/shm/vhost-user-test-${process.pid}`;
  const fd = fs.openSync(name, "w+");
  fs.rmSync(name);
  fs.ftruncateSync(fd, MEMORY);
  return fd;
}

test.skipIf(process.arch !== "x64")(
  "a front end that takes its memory away is left, and another export lives on",
  async () => {
    const other = await startServer();
    const memory = openSharedMemory();
    const [kick, call] = [calls.createEvent(), calls.createEvent()];
    const frontEnd = new RawFrontEnd(calls, server.path);
    await frontEnd.start(memory, MEMORY, { kick, call });
    fs.ftruncateSync(memory, 0);
    calls.writeEvent(kick);
    await frontEnd.closed;
    await until(() => server.reasons().length === 1);
    expect(server.reasons()).toEqual(["the front end made its memory smaller while it was in use"]);
    await expectAlive(other);
    await expectAlive(server);
    await other.close();
    for (const fd of [memory, kick, call]) calls.close(fd);
  },
);

test("memory that can be sealed cannot be taken away", async () => {
  const memory = calls.createMemoryFile("guest", MEMORY);
  const [kick, call] = [calls.createEvent(), calls.createEvent()];
  const frontEnd = new RawFrontEnd(calls, server.path);
  await frontEnd.start(memory, MEMORY, { kick, call });
  expect(() => calls.truncate(memory, 0)).toThrow(expect.objectContaining({ code: "EPERM" }));
  frontEnd.close();
  for (const fd of [memory, kick, call]) calls.close(fd);
});

test("a kick descriptor that is always readable and never holds a kick ends the connection", async () => {
  const memory = calls.createMemoryFile("guest", MEMORY);
  const [one, two] = calls.socketPair();
  const call = calls.createEvent();
  const frontEnd = new RawFrontEnd(calls, server.path);
  await frontEnd.start(memory, MEMORY, { kick: one, call });
  calls.shutdown(two);
  await frontEnd.closed;
  await until(() => server.reasons().length === 1);
  expect(server.reasons()).toEqual(["the kick descriptor of queue 0 is broken"]);
  for (const fd of [memory, one, two, call]) calls.close(fd);
});

/** Makes one request available: GET_ID into the page behind the rings, in a ring that {@link RawFrontEnd.start} set up. */
function askForId(memory: number): { readonly status: () => number | undefined; readonly unmap: () => void } {
  const start = calls.map(memory, 0, MEMORY);
  const bytes = new Uint8Array(calls.view(start, MEMORY));
  const fields = new DataView(bytes.buffer);
  const describe = (index: number, at: number, length: number, flags: number): void => {
    fields.setBigUint64(16 * index, BigInt(at), true);
    fields.setUint32(16 * index + 8, length, true);
    fields.setUint16(16 * index + 12, flags, true);
    fields.setUint16(16 * index + 14, index + 1, true);
  };
  describe(0, 12288, 16, 1);
  describe(1, 12320, 20, 3);
  describe(2, 12340, 1, 2);
  fields.setUint32(12288, 8, true);
  bytes[12340] = 0xff;
  fields.setUint16(4096 + 2, 1, true);
  return { status: () => bytes[12340], unmap: () => calls.unmap(start, MEMORY) };
}

test("a ring starts with its kick descriptor where there are no protocol features", async () => {
  const memory = calls.createMemoryFile("guest", MEMORY);
  const [kick, call] = [calls.createEvent(), calls.createEvent()];
  const { status, unmap } = askForId(memory);
  const frontEnd = new RawFrontEnd(calls, server.path);
  await frontEnd.start(memory, MEMORY, { kick, call }, false);
  await until(() => status() === 0);
  await until(() => calls.readEvent(call));
  expect(server.reasons()).toEqual([]);
  frontEnd.close();
  unmap();
  for (const fd of [memory, kick, call]) calls.close(fd);
});

test("a call descriptor that comes while a ring runs is signalled at once", async () => {
  const memory = calls.createMemoryFile("guest", MEMORY);
  const [kick, call, later] = [calls.createEvent(), calls.createEvent(), calls.createEvent()];
  const frontEnd = new RawFrontEnd(calls, server.path);
  await frontEnd.start(memory, MEMORY, { kick, call });
  await frontEnd.request(R.SET_VRING_CALL, encodeU64(0n), [later]);
  expect(calls.readEvent(call)).toBe(false);
  expect(calls.readEvent(later)).toBe(true);
  frontEnd.close();
  for (const fd of [memory, kick, call, later]) calls.close(fd);
});
