import { BlockError, RequestFlag } from "@rehandle/driver-sdk";
import { afterEach, describe, expect, test } from "vitest";
import { decodeBlockStatus, decodeErrorChunk } from "../protocol/chunk.ts";
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_CACHE,
  NBD_CMD_DISC,
  NBD_CMD_FLAG_DF,
  NBD_CMD_FLAG_FAST_ZERO,
  NBD_CMD_FLAG_FUA,
  NBD_CMD_FLAG_NO_HOLE,
  NBD_CMD_FLAG_REQ_ONE,
  NBD_CMD_FLUSH,
  NBD_CMD_READ,
  NBD_CMD_TRIM,
  NBD_CMD_WRITE,
  NBD_CMD_WRITE_ZEROES,
  NBD_EINVAL,
  NBD_EIO,
  NBD_ENOSPC,
  NBD_ENOTSUP,
  NBD_EPERM,
  NBD_REPLY_FLAG_DONE,
  NBD_REPLY_TYPE_BLOCK_STATUS,
  NBD_REPLY_TYPE_ERROR,
  NBD_REPLY_TYPE_NONE,
  NBD_REPLY_TYPE_OFFSET_DATA,
} from "../protocol/constants.ts";
import { type RawRequest, RawClient, requestBytes } from "../testing/raw-client.ts";
import { serve, type TestServer, type TestServerOptions, until } from "../testing/serve.ts";

const SIZE = 1 << 20;
let s: TestServer;
let client: RawClient;

async function start(
  options: TestServerOptions = {},
  form: { structured?: boolean; context?: boolean } = {},
): Promise<void> {
  s = await serve(options);
  client = await RawClient.open(s.path, form);
}

/** The wire error of a simple or a structured reply. */
async function errorOf(request: RawRequest): Promise<number> {
  const { kind, error, type, payload } = await client.ask(request);
  if (kind === "simple") return error;
  return type === NBD_REPLY_TYPE_ERROR ? decodeErrorChunk(type, payload).error : 0;
}

afterEach(async () => {
  client.destroy();
  await s.stop();
});

describe("data", () => {
  test("what was written is read, in simple replies", async () => {
    await start();
    const data = Buffer.from("hello, world");
    expect(await client.ask({ type: NBD_CMD_WRITE, offset: 1000, data })).toMatchObject({ kind: "simple", error: 0 });
    const reply = await client.ask({ type: NBD_CMD_READ, offset: 998, length: 16 });
    expect(reply.payload).toEqual(Buffer.concat([Buffer.alloc(2), data, Buffer.alloc(2)]));
  });

  test("what was written is read, in structured replies", async () => {
    await start({}, { structured: true });
    const data = Buffer.alloc(5000, "abc");
    await client.ask({ type: NBD_CMD_WRITE, offset: 1000, data });
    const reply = await client.ask({ type: NBD_CMD_READ, offset: 1000, length: 5000, flags: NBD_CMD_FLAG_DF });
    expect(reply).toMatchObject({ flags: NBD_REPLY_FLAG_DONE, type: NBD_REPLY_TYPE_OFFSET_DATA });
    expect(reply.payload.readBigUInt64BE()).toBe(1000n);
    expect(reply.payload.subarray(8)).toEqual(data);
  });

  test.each([true, false])("all 64 bits of a cookie come back (structured: %s)", async (structured) => {
    await start({}, { structured });
    const cookies = [
      [0xffffffff, 0xfffffffe],
      [0x80000000, 1],
      [0, 0],
      [0x01020304, 0x05060708],
    ] as const;
    for (const cookie of cookies) {
      const reply = await client.ask({ type: NBD_CMD_READ, length: 1, cookie });
      expect([reply.cookieHigh >>> 0, reply.cookieLow >>> 0]).toEqual(cookie);
      const refused = await client.ask({ type: 77, cookie });
      expect([refused.cookieHigh >>> 0, refused.cookieLow >>> 0]).toEqual(cookie);
    }
  });

  test.each([1, 27, 28, 29, 4096])("requests may be cut into pieces of %d bytes", async (step) => {
    await start();
    const data = Buffer.alloc(8192, "0123456789");
    const bytes = Buffer.concat([
      requestBytes({ type: NBD_CMD_WRITE, cookie: [0, 1], offset: 0, data }),
      requestBytes({ type: NBD_CMD_WRITE, cookie: [0, 2], offset: SIZE, data: data.subarray(0, 100) }),
      requestBytes({ type: NBD_CMD_READ, cookie: [0, 3], offset: 0, length: 8192 }),
    ]);
    for (let at = 0; at < bytes.length; at += step) {
      client.send(bytes.subarray(at, at + step));
      if (at % (step * 64) === 0) await new Promise(setImmediate);
    }
    expect(await client.reply()).toMatchObject({ error: 0, cookieLow: 1 });
    expect(await client.reply()).toMatchObject({ error: NBD_ENOSPC, cookieLow: 2 });
    expect((await client.reply(8192)).payload).toEqual(data);
  });

  test("32 MiB pass in one request, both ways", async () => {
    await start({ memory: { size: 1 << 26 } }, { structured: true });
    const data = Buffer.alloc(1 << 25, "0123456789abcdef!");
    expect(await client.ask({ type: NBD_CMD_WRITE, offset: 5, data })).toMatchObject({ error: 0 });
    const reply = await client.ask({ type: NBD_CMD_READ, offset: 5, length: 1 << 25 });
    expect(data.equals(reply.payload.subarray(8))).toBe(true);
  });

  test("replies may come in another order than the requests", async () => {
    await start();
    await client.ask({ type: NBD_CMD_WRITE, offset: 0, data: Buffer.from("ab") });
    s.driver.hold = true;
    client.request({ type: NBD_CMD_READ, cookie: [0, 1], offset: 0, length: 1 });
    client.request({ type: NBD_CMD_READ, cookie: [0, 2], offset: 1, length: 1 });
    await until(() => s.driver.held.length === 2);
    s.driver.release(true);
    expect(await client.reply(1)).toMatchObject({ cookieLow: 2, payload: Buffer.from("b") });
    expect(await client.reply(1)).toMatchObject({ cookieLow: 1, payload: Buffer.from("a") });
  });

  test("data of a held write stays what it was, whatever the socket brings after it", async () => {
    await start();
    s.driver.hold = true;
    for (let i = 0; i < 40; i += 1) {
      client.request({ type: NBD_CMD_WRITE, offset: i * 4096, data: Buffer.alloc(4096, i + 1) });
    }
    await until(() => s.driver.held.length === 40);
    s.driver.hold = false;
    s.driver.release(true);
    for (let i = 0; i < 40; i += 1) expect((await client.reply()).error).toBe(0);
    const { payload } = await client.ask({ type: NBD_CMD_READ, length: 40 * 4096 });
    for (let i = 0; i < 40; i += 1) {
      expect(payload.subarray(i * 4096, i * 4096 + 4096).equals(Buffer.alloc(4096, i + 1))).toBe(true);
    }
  });
});

describe("refusals", () => {
  test.each<[string, RawRequest, number]>([
    ["an unknown command", { type: 99 }, NBD_EINVAL],
    ["RESIZE, which is not offered", { type: 8, offset: 4096 }, NBD_EINVAL],
    ["an unknown flag", { type: NBD_CMD_READ, length: 1, flags: 0x100 }, NBD_EINVAL],
    ["DF without structured replies", { type: NBD_CMD_READ, length: 1, flags: NBD_CMD_FLAG_DF }, NBD_EINVAL],
    ["NO_HOLE on a write", { type: NBD_CMD_WRITE, data: Buffer.alloc(9), flags: NBD_CMD_FLAG_NO_HOLE }, NBD_EINVAL],
    ["FAST_ZERO on a trim", { type: NBD_CMD_TRIM, length: 9, flags: NBD_CMD_FLAG_FAST_ZERO }, NBD_EINVAL],
    ["a read past the end", { type: NBD_CMD_READ, offset: SIZE - 1, length: 2 }, NBD_EINVAL],
    ["a read far past the end", { type: NBD_CMD_READ, offset: 2 ** 53 - 2, length: 2 }, NBD_EINVAL],
    ["a write past the end", { type: NBD_CMD_WRITE, offset: SIZE - 1, data: Buffer.alloc(2) }, NBD_ENOSPC],
    ["a trim past the end", { type: NBD_CMD_TRIM, offset: SIZE, length: 1 }, NBD_EINVAL],
    ["zeroes past the end", { type: NBD_CMD_WRITE_ZEROES, offset: SIZE, length: 1 }, NBD_ENOSPC],
    ["a hint past the end", { type: NBD_CMD_CACHE, offset: SIZE, length: 1 }, NBD_EINVAL],
    ["a flush with an offset", { type: NBD_CMD_FLUSH, offset: 1 }, NBD_EINVAL],
    ["a flush with a length", { type: NBD_CMD_FLUSH, length: 1 }, NBD_EINVAL],
    ["status without a context", { type: NBD_CMD_BLOCK_STATUS, length: 4096 }, NBD_EINVAL],
    ["a read over 32 MiB", { type: NBD_CMD_READ, length: (1 << 25) + 1 }, NBD_EINVAL],
  ])("%s", async (_what, request, error) => {
    for (const structured of [false, true]) {
      await start({}, { structured: structured && request.flags !== NBD_CMD_FLAG_DF });
      expect(await errorOf(request)).toBe(error);
      expect(s.driver.log).toEqual([]);
      expect(await errorOf({ type: NBD_CMD_READ, length: 1 })).toBe(0);
      if (structured) continue;
      client.destroy();
      await s.stop();
    }
  });

  test("an offset of 64 bits", async () => {
    await start();
    const request = requestBytes({ type: NBD_CMD_READ, length: 1 });
    request.fill(0xff, 16, 24);
    client.send(request);
    expect((await client.reply()).error).toBe(NBD_EINVAL);
  });

  test("status of nothing, and past the end", async () => {
    await start({}, { context: true });
    expect(await errorOf({ type: NBD_CMD_BLOCK_STATUS, length: 0 })).toBe(NBD_EINVAL);
    expect(await errorOf({ type: NBD_CMD_BLOCK_STATUS, offset: 4096, length: SIZE })).toBe(NBD_EINVAL);
  });

  test.each([false, true])("changes to a read-only export (structured: %s)", async (structured) => {
    await start({ nbdExport: { writable: false } }, { structured });
    expect(await errorOf({ type: NBD_CMD_WRITE, data: Buffer.alloc(5000) })).toBe(NBD_EPERM);
    expect(await errorOf({ type: NBD_CMD_WRITE, offset: SIZE, data: Buffer.alloc(1) })).toBe(NBD_EPERM);
    expect(await errorOf({ type: NBD_CMD_TRIM, length: 1 })).toBe(NBD_EPERM);
    expect(await errorOf({ type: NBD_CMD_WRITE_ZEROES, length: 1 })).toBe(NBD_EPERM);
    expect(await errorOf({ type: NBD_CMD_FLUSH })).toBe(0);
    expect(await errorOf({ type: NBD_CMD_READ, length: 10 })).toBe(0);
  });

  test("what storage does not declare", async () => {
    await start({ memory: { capabilities: { discard: false, writeZeroes: false, fastZero: false } } });
    expect(await errorOf({ type: NBD_CMD_TRIM, length: 1 })).toBe(NBD_EINVAL);
    expect(await errorOf({ type: NBD_CMD_WRITE_ZEROES, length: 1 })).toBe(NBD_EINVAL);
  });

  test("FAST_ZERO that was not offered", async () => {
    await start({ memory: { capabilities: { fastZero: false } } });
    const request = { type: NBD_CMD_WRITE_ZEROES, length: 4096 };
    expect(await errorOf({ ...request, flags: NBD_CMD_FLAG_FAST_ZERO })).toBe(NBD_EINVAL);
    expect(await errorOf(request)).toBe(0);
  });

  test("what is not aligned", async () => {
    await start({ memory: { capabilities: { requestAlignment: 512 } } });
    expect(await errorOf({ type: NBD_CMD_READ, offset: 1, length: 512 })).toBe(NBD_EINVAL);
    expect(await errorOf({ type: NBD_CMD_READ, offset: 512, length: 1 })).toBe(NBD_EINVAL);
    expect(await errorOf({ type: NBD_CMD_WRITE, offset: 1, data: Buffer.alloc(512) })).toBe(NBD_EINVAL);
    expect(s.driver.log).toEqual([]);
    expect(await errorOf({ type: NBD_CMD_READ, offset: 512, length: 512 })).toBe(0);
  });

  test("a write over the export's maximum is read to its end and refused", async () => {
    await start({ memory: { capabilities: { maxTransfer: 1 << 16 } } });
    expect(await errorOf({ type: NBD_CMD_WRITE, data: Buffer.alloc((1 << 16) + 512) })).toBe(NBD_EINVAL);
    expect(s.driver.log).toEqual([]);
    expect(await errorOf({ type: NBD_CMD_WRITE, data: Buffer.alloc(1 << 16) })).toBe(0);
  });

  test("a write over 32 MiB ends the connection, and no other", async () => {
    await start();
    const other = await RawClient.open(s.path);
    client.request({ type: NBD_CMD_WRITE, length: (1 << 25) + 1 });
    await client.closed();
    expect((await other.ask({ type: NBD_CMD_READ, length: 1 })).error).toBe(0);
    other.destroy();
  });

  test("a wrong magic ends the connection, and no other", async () => {
    await start();
    const other = await RawClient.open(s.path);
    client.send(Buffer.alloc(28, 7));
    await client.closed();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", exportName: "disk", error: { code: "EPROTO" } });
    expect((await other.ask({ type: NBD_CMD_READ, length: 1 })).error).toBe(0);
    other.destroy();
  });
});

test.each([false, true])("requests of length 0 succeed and touch nothing (structured: %s)", async (structured) => {
  await start({}, { structured });
  for (const type of [NBD_CMD_READ, NBD_CMD_WRITE, NBD_CMD_TRIM, NBD_CMD_WRITE_ZEROES, NBD_CMD_CACHE]) {
    const reply = await client.ask({ type, length: 0 });
    expect(reply).toMatchObject(
      structured && type === NBD_CMD_READ ? { type: NBD_REPLY_TYPE_NONE, flags: 1 } : { kind: "simple", error: 0 },
    );
  }
  expect(s.driver.log).toEqual([]);
});

describe("flags on their way to the driver", () => {
  const data = Buffer.alloc(512, 1);

  test("FUA is passed on where the driver has it", async () => {
    await start();
    await client.ask({ type: NBD_CMD_WRITE, data, flags: NBD_CMD_FLAG_FUA });
    await client.ask({ type: NBD_CMD_TRIM, length: 512, flags: NBD_CMD_FLAG_FUA });
    await client.ask({ type: NBD_CMD_READ, length: 512, flags: NBD_CMD_FLAG_FUA });
    await client.ask({ type: NBD_CMD_FLUSH, flags: NBD_CMD_FLAG_FUA });
    expect(s.driver.log).toEqual([
      { operation: "write", offset: 0, length: 512, flags: RequestFlag.FUA },
      { operation: "discard", offset: 0, length: 512, flags: RequestFlag.FUA },
      { operation: "read", offset: 0, length: 512, flags: 0 },
      { operation: "flush", offset: 0, length: 0, flags: 0 },
    ]);
  });

  test("FUA is made of a flush where the driver lacks it", async () => {
    await start({ memory: { capabilities: { fua: false } } });
    s.driver.hold = true;
    client.request({ type: NBD_CMD_WRITE, offset: 512, data, flags: NBD_CMD_FLAG_FUA });
    await until(() => s.driver.held.length === 1);
    s.driver.release();
    expect(s.driver.log).toEqual([
      { operation: "write", offset: 512, length: 512, flags: 0 },
      { operation: "flush", offset: 0, length: 0, flags: 0 },
    ]);
    s.driver.hold = false;
    s.driver.failures.set("flush", new BlockError("fsync failed", { code: "EIO" }));
    s.driver.release();
    expect((await client.reply()).error).toBe(NBD_EIO);
  });

  test("a write that failed is not followed by a flush", async () => {
    await start({ memory: { capabilities: { fua: false } } });
    s.driver.failures.set("write", new BlockError("no space", { code: "ENOSPC" }));
    expect(await errorOf({ type: NBD_CMD_WRITE, data, flags: NBD_CMD_FLAG_FUA })).toBe(NBD_ENOSPC);
    expect(s.driver.log).toHaveLength(1);
  });

  test("NO_HOLE and FAST_ZERO", async () => {
    await start();
    const zeroes = { type: NBD_CMD_WRITE_ZEROES, length: 512 };
    expect(await errorOf(zeroes)).toBe(0);
    expect(await errorOf({ ...zeroes, flags: NBD_CMD_FLAG_NO_HOLE })).toBe(0);
    await client.ask({ ...zeroes, flags: NBD_CMD_FLAG_FAST_ZERO });
    const flags = s.driver.log.map((request) => request.flags);
    expect(flags).toEqual([RequestFlag.MAY_UNMAP, 0, RequestFlag.MAY_UNMAP | RequestFlag.NO_FALLBACK]);
  });
});

describe("errors of the driver", () => {
  test.each<[string, RawRequest, number]>([
    ["ENOSPC", { type: NBD_CMD_WRITE, data: Buffer.alloc(1) }, NBD_ENOSPC],
    ["EROFS", { type: NBD_CMD_WRITE, data: Buffer.alloc(1) }, NBD_EPERM],
    ["ESTALE", { type: NBD_CMD_WRITE, data: Buffer.alloc(1) }, NBD_EIO],
    ["ESHUTDOWN", { type: NBD_CMD_WRITE, data: Buffer.alloc(1) }, NBD_EIO],
    ["ENOTSUP", { type: NBD_CMD_WRITE, data: Buffer.alloc(1) }, NBD_EINVAL],
    ["EOVERFLOW", { type: NBD_CMD_WRITE, data: Buffer.alloc(1) }, NBD_EINVAL],
    ["ENOTSUP", { type: NBD_CMD_WRITE_ZEROES, length: 1 }, NBD_EINVAL],
    ["ENOTSUP", { type: NBD_CMD_WRITE_ZEROES, length: 1, flags: NBD_CMD_FLAG_FAST_ZERO }, NBD_ENOTSUP],
  ])("%s", async (code, request, wire) => {
    await start();
    const failure = new BlockError("it failed", { code });
    s.driver.failures.set("write", failure).set("write-zeroes", failure);
    expect(await errorOf(request)).toBe(wire);
  });

  test("a read's error comes as a chunk with a text, and the connection goes on", async () => {
    await start({}, { structured: true });
    s.driver.failures.set("read", new BlockError("bad sector\0", { code: "EIO" }));
    const reply = await client.ask({ type: NBD_CMD_READ, length: 512 });
    expect(reply).toMatchObject({ type: NBD_REPLY_TYPE_ERROR, flags: NBD_REPLY_FLAG_DONE });
    expect(decodeErrorChunk(reply.type, reply.payload)).toEqual({ error: NBD_EIO, message: "bad sector " });
    s.driver.failures.clear();
    expect(await errorOf({ type: NBD_CMD_READ, length: 512 })).toBe(0);
  });
});

describe("block status", () => {
  async function status(request: Omit<RawRequest, "type">): Promise<{ length: number; flags: number }[]> {
    const reply = await client.ask({ type: NBD_CMD_BLOCK_STATUS, ...request });
    expect(reply).toMatchObject({ type: NBD_REPLY_TYPE_BLOCK_STATUS, flags: NBD_REPLY_FLAG_DONE });
    const { contextId, extents } = decodeBlockStatus(reply.payload);
    expect(contextId).toBe(1);
    return extents;
  }

  test("tells holes from data, never beyond the request", async () => {
    await start({ memory: { chunkSize: 65536 } }, { context: true });
    await client.ask({ type: NBD_CMD_WRITE, offset: 65536, data: Buffer.alloc(65536, 1) });
    expect(await status({ offset: 0, length: SIZE })).toEqual([
      { length: 65536, flags: 3 },
      { length: 65536, flags: 0 },
      { length: SIZE - 131072, flags: 3 },
    ]);
    expect(await status({ offset: 1000, length: 2000 })).toEqual([{ length: 2000, flags: 3 }]);
  });

  test("REQ_ONE gives one extent", async () => {
    await start({ memory: { chunkSize: 65536 } }, { context: true });
    await client.ask({ type: NBD_CMD_WRITE, offset: 65536, data: Buffer.alloc(65536, 1) });
    expect(await status({ length: SIZE, flags: NBD_CMD_FLAG_REQ_ONE })).toEqual([{ length: 65536, flags: 3 }]);
    expect(s.driver.log.at(-1)).toMatchObject({ flags: RequestFlag.REQ_ONE });
  });

  test("storage that does not know is all data", async () => {
    await start({ memory: { capabilities: { blockStatus: false } } }, { context: true });
    expect(await status({ length: SIZE })).toEqual([{ length: SIZE, flags: 0 }]);
    expect(s.driver.log).toEqual([]);
  });
});

describe("leaving", () => {
  test("DISC answers what is in flight, then the connection ends in peace", async () => {
    await start();
    s.driver.hold = true;
    client.send(requestBytes({ type: NBD_CMD_READ, length: 4 }), requestBytes({ type: NBD_CMD_DISC, flags: 0xffff }));
    client.request({ type: NBD_CMD_READ, length: 4, cookie: [9, 9] });
    await until(() => s.driver.held.length === 1);
    s.driver.release();
    expect(await client.reply(4)).toMatchObject({ error: 0, cookieLow: 1 });
    await client.closed();
    await until(() => s.events.length === 2);
    expect(s.events[1]).toEqual({ type: "closed", exportName: "disk", error: null });
    expect(s.driver.log).toHaveLength(1);
  });

  test("a client that only stops sending still gets its answers", async () => {
    await start();
    s.driver.hold = true;
    client.request({ type: NBD_CMD_READ, length: 4 });
    client.stream.end();
    await until(() => s.driver.held.length === 1);
    s.driver.release();
    expect((await client.reply(4)).error).toBe(0);
    await client.closed();
  });

  test("requests of a connection that broke go on to their end, and their buffers are not used before", async () => {
    await start();
    const { address } = await s.server.listen({ host: "127.0.0.1", port: 0 });
    const breaking = await RawClient.open(address);
    s.driver.hold = true;
    breaking.request({ type: NBD_CMD_WRITE, offset: 0, data: Buffer.alloc(200_000, "x") });
    breaking.request({ type: NBD_CMD_READ, offset: 4096, length: 4096 });
    await until(() => s.driver.held.length === 2);
    breaking.reset();
    await until(() => s.server.connectionCount === 1);
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { code: "ECONNRESET" } });
    client.request({ type: NBD_CMD_WRITE, offset: 300_000, data: Buffer.alloc(200_000, "y") });
    await until(() => s.driver.held.length === 3);
    s.driver.hold = false;
    s.driver.release();
    expect((await client.reply()).error).toBe(0);
    const { payload } = await client.ask({ type: NBD_CMD_READ, offset: 0, length: 200_000 });
    expect(payload.equals(Buffer.alloc(200_000, "x"))).toBe(true);
  });

  test("a client that vanished while its requests were in flight is gone when they are done", async () => {
    await start();
    s.driver.hold = true;
    client.request({ type: NBD_CMD_READ, length: 1 << 20 });
    await until(() => s.driver.held.length === 1);
    client.destroy();
    s.driver.release();
    await until(() => s.server.connectionCount === 0);
    expect(s.events.at(-1)).toMatchObject({ type: "closed", exportName: "disk" });
  });

  test("a connection that breaks in the middle of a write leaves nothing behind", async () => {
    await start();
    client.send(requestBytes({ type: NBD_CMD_WRITE, data: Buffer.alloc(200_000, "x") }).subarray(0, 100_000));
    await new Promise(setImmediate);
    client.destroy();
    await until(() => s.server.connectionCount === 0);
    expect(s.driver.log).toEqual([]);
    client = await RawClient.open(s.path);
    expect((await client.ask({ type: NBD_CMD_READ, length: 1 })).error).toBe(0);
  });
});
