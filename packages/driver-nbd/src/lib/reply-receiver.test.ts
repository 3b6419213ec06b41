import { RequestFlag, type BlockRequest } from "@rehandle/driver-sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDriver, until, type OpenedDriver } from "../testing/opened-driver.ts";
import { chunk, dataChunk, doneChunk, errorChunk, holeChunk, simpleReply, statusChunk } from "../testing/replies.ts";
import { ScriptedServer, type ArrivedRequest, type ScriptedConnection } from "../testing/scripted-server.ts";

const DONE = 1;
let server: ScriptedServer;
let opened: OpenedDriver;
let connection: ScriptedConnection;

async function start(structured: boolean): Promise<void> {
  server = new ScriptedServer({ structured });
  await server.listen();
  opened = await openDriver({ server: { type: "unix", path: server.path } });
  connection = await server.nextConnection();
}

afterEach(async () => {
  for (const { socket } of server.connections) socket.destroy();
  await opened.driver.close();
  await server.close();
});

function bytes(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + seed) & 255);
}

function read(offset: number, length: number): Partial<BlockRequest> {
  return { operation: "read", offset, length, iov: [new Uint8Array(length).fill(0xee)] };
}

describe("structured replies", () => {
  beforeEach(() => start(true));

  test("data and holes in any order fill a read", async () => {
    const iov = [new Uint8Array(1000).fill(0xee), new Uint8Array(0), new Uint8Array(3096).fill(0xee)];
    const { done } = opened.submit({ operation: "read", offset: 4096, length: 4096, iov });
    const request = await connection.nextRequest();
    expect(request).toMatchObject({ type: 0, offset: 4096, length: 4096, flags: 0 });
    const data = bytes(2048);
    connection.send(
      dataChunk(request, 4096 + 2048, data.subarray(0, 1024)),
      holeChunk(request, 4096, 2048),
      dataChunk(request, 4096 + 3072, data.subarray(1024)),
      doneChunk(request),
    );
    expect(await done).toBeNull();
    const all = Buffer.concat(iov);
    expect(all.subarray(0, 2048).every((byte) => byte === 0)).toBe(true);
    expect(all.subarray(2048)).toEqual(Buffer.from(data));
  });

  test("replies come in another order than the requests", async () => {
    const first = opened.submit(read(0, 16));
    const second = opened.submit(read(512, 16));
    const third = opened.submit({ operation: "flush" });
    const requests = [await connection.nextRequest(), await connection.nextRequest(), await connection.nextRequest()];
    connection.send(
      simpleReply(requests[2]!),
      dataChunk(requests[1]!, 512, bytes(16, 2), DONE),
      dataChunk(requests[0]!, 0, bytes(16, 3), DONE),
    );
    expect(await Promise.all([first.done, second.done, third.done])).toEqual([null, null, null]);
    expect(first.request.iov[0]).toEqual(bytes(16, 3));
    expect(second.request.iov[0]).toEqual(bytes(16, 2));
  });

  test("a reply that arrives byte by byte", async () => {
    const submitted = opened.submit(read(0, 40));
    const request = await connection.nextRequest();
    const reply = Buffer.concat([dataChunk(request, 8, bytes(32)), holeChunk(request, 0, 8), doneChunk(request)]);
    connection.socket.setNoDelay(true);
    for (const byte of reply) {
      connection.send(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    expect(await submitted.done).toBeNull();
    expect(submitted.request.iov[0]!.subarray(8)).toEqual(bytes(32));
  });

  test.for([
    [1, "EPERM", "permanent"],
    [5, "EIO", "storage"],
    [12, "ENOMEM", "storage"],
    [22, "EINVAL", "invalid"],
    [28, "ENOSPC", "no-space"],
    [75, "EOVERFLOW", "invalid"],
    [95, "ENOTSUP", "unsupported"],
    [4711, "EINVAL", "invalid"],
  ] as const)("error %i is %s of class %s, and the connection stays", async ([error, code, errorClass]) => {
    const { done } = opened.submit(read(4096, 64));
    const request = await connection.nextRequest();
    connection.send(errorChunk(request, error, "the disk says no", 4100));
    const result = await done;
    expect(result).toMatchObject({ code, errorClass, operation: "read", offset: 4096, length: 64 });
    expect(result?.message).toContain("the disk says no");
    expect(opened.events).toEqual([]);
    const next = opened.submit({ operation: "flush" });
    connection.send(simpleReply(await connection.nextRequest()));
    expect(await next.done).toBeNull();
  });

  test("an error before the end, after data, and of an unknown type with a long payload", async () => {
    const first = opened.submit(read(0, 64));
    const second = opened.submit(read(0, 64));
    const third = opened.submit({ operation: "write", offset: 0, length: 1, iov: [bytes(1)] });
    const [one, two, three] = [
      await connection.nextRequest(),
      await connection.nextRequest(),
      await connection.nextRequest(),
    ];
    const unknown = new Uint8Array(100_000);
    unknown.set([0, 0, 0, 28, 0, 2, 0x68, 0x69]);
    connection.send(
      dataChunk(one, 0, bytes(32)),
      errorChunk(one, 5, "", undefined, 0),
      errorChunk(one, 28, "the second error does not count", undefined, 0),
      doneChunk(one),
      chunk(two, DONE, 0x8fff, unknown),
      errorChunk(three, 28, "full"),
    );
    expect(await first.done).toMatchObject({ code: "EIO" });
    expect(await second.done).toMatchObject({ code: "ENOSPC" });
    expect((await second.done)?.message).toContain("hi");
    expect(await third.done).toMatchObject({ code: "ENOSPC", operation: "write" });
    expect(opened.events).toEqual([]);
  });

  test("block status: extents up to the request's end, and the last one up to the export's", async () => {
    const all = opened.submit({ operation: "block-status", offset: 4096, length: 8192 });
    const one = opened.submit({ operation: "block-status", offset: 0, length: 512, flags: RequestFlag.REQ_ONE });
    const [first, second] = [await connection.nextRequest(), await connection.nextRequest()];
    expect(second.flags).toBe(8);
    const data = { length: 4096, hole: false, zero: false };
    const hole = { length: 0x7fffffff, hole: true, zero: true };
    connection.send(statusChunk(first, 7, [data, hole, data]), statusChunk(second, 7, [hole, data]));
    expect(await all.done).toBeNull();
    expect(all.request.extents).toEqual([data, { ...hole, length: (1 << 20) - 8192 }]);
    expect(await one.done).toBeNull();
    expect(one.request.extents).toEqual([{ ...hole, length: 512 }]);
  });

  const violations: Record<string, (request: ArrivedRequest) => Uint8Array> = {
    "a wrong magic": () => new Uint8Array(64).fill(0x42),
    "a cookie that was never given": (to) => doneChunk({ ...to, cookieLow: to.cookieLow + 1 }),
    "a forged cookie far outside": (to) => doneChunk({ ...to, cookieLow: -1 }),
    "the cookie of an earlier use of the slot": (to) => doneChunk({ ...to, cookieHigh: to.cookieHigh - 1 }),
    "a simple reply to a read": (to) => simpleReply(to, 0, bytes(4096)),
    "a simple error to a read": (to) => simpleReply(to, 5),
    "data before the read": (to) => dataChunk(to, 4095, bytes(16), DONE),
    "data beyond the read": (to) => dataChunk(to, 8190, bytes(16), DONE),
    "data at an absurd offset": (to) => dataChunk(to, Number.MAX_SAFE_INTEGER, bytes(16), DONE),
    "data that overlaps": (to) =>
      Buffer.concat([dataChunk(to, 4096, bytes(2048)), dataChunk(to, 6143, bytes(2049), DONE)]),
    "a hole that overlaps": (to) => Buffer.concat([dataChunk(to, 4096, bytes(2048)), holeChunk(to, 4096, 4096, DONE)]),
    "a hole beyond the read": (to) => holeChunk(to, 4096, 0xffffffff, DONE),
    "an empty hole": (to) => holeChunk(to, 4096, 0),
    "a hole chunk of the wrong length": (to) => chunk(to, 0, 2, new Uint8Array(13)),
    "a data chunk without data": (to) => chunk(to, DONE, 1, new Uint8Array(8)),
    "data that does not cover the read": (to) => dataChunk(to, 4096, bytes(4095), DONE),
    "success without any data": (to) => doneChunk(to),
    "an empty chunk with a payload": (to) => chunk(to, DONE, 0, new Uint8Array(1)),
    "an empty chunk before the end": (to) => chunk(to, 0, 0),
    "an unknown chunk type": (to) => chunk(to, DONE, 77),
    "an extended block status": (to) => chunk(to, DONE, 6, new Uint8Array(24)),
    "block status for a read": (to) => statusChunk(to, 7, [{ length: 1, hole: false, zero: false }]),
    "an error chunk that is too short": (to) => chunk(to, DONE, 0x8001, new Uint8Array(5)),
    "an error chunk without an error": (to) => errorChunk(to, 0),
    "an error message longer than its chunk": (to) => chunk(to, DONE, 0x8001, Uint8Array.of(0, 0, 0, 5, 0xff, 0xff, 1)),
    "an endless error message": (to) => chunk(to, DONE, 0x8001, new Uint8Array(5000)),
    "an error at an offset outside": (to) => errorChunk(to, 5, "", 8192),
    "a second reply to the same request": (to) =>
      Buffer.concat([dataChunk(to, 4096, bytes(4096), DONE), dataChunk(to, 4096, bytes(4096), DONE)]),
    "an extended chunk": () => Buffer.concat([Uint8Array.of(0x6e, 0x8a, 0x27, 0x8c), new Uint8Array(60)]),
  };

  test.for(Object.keys(violations))("%s ends the connection", async (name) => {
    const reading = opened.submit(read(4096, 4096));
    const request = await connection.nextRequest();
    connection.send(violations[name]!(request));
    await until("the loss is noticed", () => opened.events.length > 0);
    expect(opened.events[0]).toMatchObject({
      type: "disconnected",
      error: { code: "EPROTO", errorClass: "transport" },
    });
    if (name.startsWith("a second reply")) expect(await reading.done).toBeNull();
    else expect(await reading.done).toMatchObject({ code: "EPROTO", errorClass: "transport", operation: "read" });
    await until("the server sees the end", () => connection.ended);
    expect(reading.completions).toBe(1);
  });

  test.for<[string, (request: ArrivedRequest) => Uint8Array]>([
    ["a status of an unknown context", (to) => statusChunk(to, 8, [{ length: 512, hole: false, zero: false }])],
    ["an empty extent", (to) => statusChunk(to, 7, [{ length: 0, hole: false, zero: false }])],
    ["half an extent", (to) => chunk(to, DONE, 5, new Uint8Array(15))],
    ["no extent at all", (to) => chunk(to, DONE, 5, Uint8Array.of(0, 0, 0, 7))],
    ["success without a status", (to) => doneChunk(to)],
    [
      "a status twice",
      (to) => {
        const status = statusChunk(to, 7, [{ length: 512, hole: false, zero: false }], 0);
        return Buffer.concat([status, status]);
      },
    ],
    ["a simple success", (to) => simpleReply(to)],
    [
      "an absurd length",
      (to) => {
        const reply = chunk(to, DONE, 5, new Uint8Array(12));
        reply.set([0xff, 0xff, 0xff, 0xfc], 16);
        return reply;
      },
    ],
  ])("block status: %s ends the connection", async ([, reply]) => {
    const asking = opened.submit({ operation: "block-status", offset: 0, length: 4096 });
    connection.send(reply(await connection.nextRequest()));
    expect(await asking.done).toMatchObject({ code: "EPROTO", errorClass: "transport" });
  });

  test("what was answered before the violation counts", async () => {
    const first = opened.submit({ operation: "flush" });
    const second = opened.submit({ operation: "flush" });
    const [one] = [await connection.nextRequest(), await connection.nextRequest()];
    connection.send(simpleReply(one), new Uint8Array(64));
    expect(await first.done).toBeNull();
    expect(await second.done).toMatchObject({ code: "EPROTO" });
  });

  test("a write in flight is over only when a server that broke the protocol has ended", async () => {
    const writing = opened.submit({ operation: "write", offset: 0, length: 4, iov: [bytes(4)] });
    const reading = opened.submit(read(0, 512));
    await connection.nextRequest();
    await connection.nextRequest();
    connection.send(new Uint8Array(64));
    expect(await reading.done).toMatchObject({ code: "EPROTO" });
    await until("the server is told that nothing more comes", () => connection.ended);
    connection.send(new Uint8Array(100_000));
    const second = await server.nextConnection();
    await until("the driver is connected again", () => opened.events.some(({ type }) => type === "connected"));
    const next = opened.submit({ operation: "flush" });
    second.send(simpleReply(await second.nextRequest()));
    expect(await next.done).toBeNull();
    expect(writing.completions).toBe(0);
    connection.socket.end();
    expect(await writing.done).toMatchObject({ errorClass: "transport", operation: "write" });
  });
});

describe("simple replies", () => {
  beforeEach(() => start(false));

  test("a read takes its data, other requests have none", async () => {
    const reading = opened.submit(read(0, 100_000));
    const writing = opened.submit({ operation: "write", offset: 5, length: 3, iov: [bytes(1), bytes(2)] });
    const [one, two] = [await connection.nextRequest(), await connection.nextRequest()];
    expect(two).toMatchObject({ type: 1, offset: 5, length: 3, payload: Uint8Array.of(1, 1, 8) });
    connection.send(simpleReply(one, 0, bytes(100_000)), simpleReply(two, 28));
    expect(await reading.done).toBeNull();
    expect(Buffer.compare(reading.request.iov[0]!, bytes(100_000))).toBe(0);
    expect(await writing.done).toMatchObject({ code: "ENOSPC", errorClass: "no-space" });
  });

  test("an error to a read has no data", async () => {
    const reading = opened.submit(read(0, 4096));
    const next = opened.submit({ operation: "flush" });
    const [one, two] = [await connection.nextRequest(), await connection.nextRequest()];
    connection.send(simpleReply(one, 5), simpleReply(two));
    expect(await reading.done).toMatchObject({ code: "EIO", errorClass: "storage" });
    expect(await next.done).toBeNull();
  });

  test("a chunk ends the connection", async () => {
    const reading = opened.submit(read(0, 16));
    connection.send(dataChunk(await connection.nextRequest(), 0, bytes(16), DONE));
    expect(await reading.done).toMatchObject({ code: "EPROTO" });
  });

  test("base:allocation is not declared", async () => {
    expect(opened.driver.capabilities.blockStatus).toBe(false);
    expect(connection.options).not.toContain(10);
    await until("nothing was said", () => opened.events.length === 0);
  });

  test("the end in the middle of data fails the read, not those answered before", async () => {
    const flushing = opened.submit({ operation: "flush" });
    const reading = opened.submit(read(0, 4096));
    const [one, two] = [await connection.nextRequest(), await connection.nextRequest()];
    connection.send(simpleReply(one), simpleReply(two, 0, bytes(1000)));
    connection.socket.end();
    expect(await flushing.done).toBeNull();
    expect(await reading.done).toMatchObject({ code: "ECONNRESET", errorClass: "transport", operation: "read" });
    expect(opened.events[0]).toMatchObject({ type: "disconnected" });
  });
});
