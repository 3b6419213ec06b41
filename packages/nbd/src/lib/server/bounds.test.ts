import { BlockError } from "@rehandle/driver-sdk";
import { networkInterfaces } from "node:os";
import { Duplex } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { decodeBlockStatus } from "../protocol/chunk.ts";
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_FLAG_REQ_ONE,
  NBD_CMD_FLUSH,
  NBD_CMD_READ,
  NBD_CMD_WRITE,
  NBD_ESHUTDOWN,
  NBD_OPT_EXPORT_NAME,
} from "../protocol/constants.ts";
import { encodeOption } from "../protocol/option.ts";
import { RawClient, requestBytes } from "../testing/raw-client.ts";
import { serve, type TestServer, type TestServerOptions, until } from "../testing/serve.ts";

let s: TestServer;
let client: RawClient;

async function start(options: TestServerOptions = {}, form: { context?: boolean } = {}): Promise<void> {
  s = await serve(options);
  client = await RawClient.open(s.path, form);
}

/** Lets everything that is under way arrive: several turns of the event loop without a change of what `value` gives. */
async function settled(value: () => number): Promise<number> {
  let last = Number.NaN;
  for (let quiet = 0; quiet < 20; quiet += 1) {
    await new Promise(setImmediate);
    if (value() !== last) quiet = 0;
    last = value();
  }
  return last;
}

afterEach(async () => {
  client.destroy();
  await s.stop();
});

test("no more requests are taken than may be in flight, and the rest follows", async () => {
  await start({ limits: { maxInFlightRequests: 10 } });
  s.driver.hold = true;
  for (let i = 0; i < 35; i += 1) client.request({ type: NBD_CMD_READ, length: 1, cookie: [0, i] });
  await until(() => s.driver.held.length === 10);
  expect(await settled(() => s.driver.held.length)).toBe(10);
  s.driver.release();
  await until(() => s.driver.held.length === 10);
  s.driver.hold = false;
  s.driver.release();
  for (let i = 0; i < 35; i += 1) expect((await client.reply(1)).error).toBe(0);
});

test("no more payload is taken than may be in flight, but one request always passes", async () => {
  await start({ limits: { maxInFlightBytes: 100_000 } });
  s.driver.hold = true;
  for (let i = 0; i < 5; i += 1) client.request({ type: NBD_CMD_WRITE, data: Buffer.alloc(40_000, i) });
  client.request({ type: NBD_CMD_READ, length: 500_000 });
  await until(() => s.driver.held.length === 2);
  expect(await settled(() => s.driver.log.length)).toBe(2);
  s.driver.release();
  await until(() => s.driver.held.length === 2);
  s.driver.release();
  await until(() => s.driver.held.length === 1);
  s.driver.release();
  await until(() => s.driver.held.length === 1);
  s.driver.hold = false;
  s.driver.release();
  for (let i = 0; i < 5; i += 1) expect((await client.reply()).error).toBe(0);
  expect((await client.reply(500_000)).error).toBe(0);
});

test("a block status counts as the longest answer to one, and no answer is longer", async () => {
  await start({ limits: { maxInFlightBytes: 200_000 } }, { context: true });
  s.driver.hold = true;
  for (let i = 0; i < 10; i += 1) client.request({ type: NBD_CMD_BLOCK_STATUS, length: 1 << 20 });
  expect(await settled(() => s.driver.held.length)).toBe(3);
  for (const request of s.driver.held.splice(0)) {
    for (let at = 0; at < 50_000; at += 1) request.extents.push({ length: 2, hole: at % 2 === 1, zero: false });
    request.complete(request, null);
  }
  for (let i = 0; i < 3; i += 1) {
    const { extents } = decodeBlockStatus((await client.reply()).payload);
    expect(extents).toHaveLength(8191);
    expect(extents.at(-1)).toEqual({ length: 2, flags: 0 });
  }
  s.driver.hold = false;
  s.driver.release();
  for (let i = 3; i < 10; i += 1) expect(decodeBlockStatus((await client.reply()).payload).extents).toHaveLength(1);
});

test("a block status of one extent counts as nothing", async () => {
  await start({ limits: { maxInFlightBytes: 200_000 } }, { context: true });
  s.driver.hold = true;
  const request = { type: NBD_CMD_BLOCK_STATUS, length: 1 << 20, flags: NBD_CMD_FLAG_REQ_ONE };
  for (let i = 0; i < 10; i += 1) client.request(request);
  expect(await settled(() => s.driver.held.length)).toBe(10);
});

test("while the storage is congested requests stay in the sockets, and nothing is lost", async () => {
  let congested = true;
  await start({ nbdExport: { isCongested: () => congested } });
  for (let i = 0; i < 5; i += 1) client.request({ type: NBD_CMD_READ, length: 1, cookie: [0, i] });
  expect(await settled(() => s.driver.log.length)).toBe(0);
  congested = false;
  s.server.resume();
  for (let i = 0; i < 5; i += 1) expect((await client.reply(1)).error).toBe(0);
});

test("a congested storage does not hold a shutdown up", async () => {
  await start({ nbdExport: { isCongested: () => true } });
  client.request({ type: NBD_CMD_READ, length: 1 });
  expect(await settled(() => s.driver.log.length)).toBe(0);
  await s.server.close();
  expect((await client.reply(1)).error).toBe(NBD_ESHUTDOWN);
});

test("a client that does not read its replies is not served on for ever", async () => {
  await start();
  const reads = 200;
  client.stream.pause();
  for (let i = 0; i < reads; i += 1) client.request({ type: NBD_CMD_READ, length: 1 << 17 });
  const served = await settled(() => s.driver.log.length);
  // What the kernel's socket buffers take differs; all of it is 25 MiB, which they do not take.
  expect(served).toBeGreaterThan(0);
  expect(served).toBeLessThan(reads / 2);
  for (let i = 0; i < reads; i += 1) expect((await client.reply(1 << 17)).error).toBe(0);
  expect(s.driver.log).toHaveLength(reads);
});

test("small replies that nobody reads stop the server from reading, too", async () => {
  await start({ limits: { maxInFlightBytes: 4096 } });
  client.stream.pause();
  const batch = Buffer.concat(Array.from({ length: 1000 }, () => requestBytes({ type: NBD_CMD_FLUSH })));
  let accepted = 0;
  const feed = (): void => {
    client.stream.write(batch, () => {
      accepted += 1;
      if (accepted < 1000) feed();
    });
  };
  feed();
  await settled(() => accepted);
  // A million flushes have not all been taken: the client's writes no longer get through.
  expect(accepted).toBeLessThan(1000);
});

test("shutting down answers what is in flight, refuses what comes after, and closes", async () => {
  await start();
  const idle = await RawClient.open(s.path);
  s.driver.hold = true;
  client.request({ type: NBD_CMD_READ, length: 4, cookie: [0, 1] });
  await until(() => s.driver.held.length === 1);
  let closed = false;
  const closing = s.server.close({ graceMs: 5000 }).then(() => {
    closed = true;
  });
  await idle.closed();
  client.request({ type: NBD_CMD_WRITE, data: Buffer.alloc(100_000), cookie: [0, 2] });
  expect(await client.reply()).toMatchObject({ error: NBD_ESHUTDOWN, cookieLow: 2 });
  expect(closed).toBe(false);
  s.driver.release();
  expect(await client.reply(4)).toMatchObject({ error: 0, cookieLow: 1 });
  await client.closed();
  await closing;
  expect(s.driver.log).toHaveLength(1);
  expect(s.events.at(-1)).toEqual({ type: "closed", exportName: "disk", error: null });
  await expect(RawClient.connect(s.path)).rejects.toMatchObject({ syscall: "connect" });
  await expect(s.server.listen({ path: `${s.path}2` })).rejects.toMatchObject({ code: "ESHUTDOWN" });
});

test("what is not done within the grace is cut", async () => {
  await start();
  s.driver.hold = true;
  client.request({ type: NBD_CMD_READ, length: 4 });
  await until(() => s.driver.held.length === 1);
  const negotiating = await RawClient.connect(s.path);
  await negotiating.greet();
  const closing = s.server.close({ graceMs: 3000 });
  s.clock.advance(2999);
  await settled(() => s.server.connectionCount);
  expect(s.server.connectionCount).toBe(2);
  s.clock.advance(1);
  await closing;
  await client.closed();
  await negotiating.closed();
});

test("an export that is withdrawn takes its clients along, and only those", async () => {
  await start();
  s.server.addExport({ name: "other", driver: s.driver });
  const other = await RawClient.connect(s.path);
  await other.greet();
  await other.exportName("other");
  expect(s.server.exportNames).toEqual(["disk", "other"]);
  expect(await s.server.removeExport("other")).toBe(true);
  expect(await s.server.removeExport("other")).toBe(false);
  await other.closed();
  expect(s.server.exportNames).toEqual(["disk"]);
  expect((await client.ask({ type: NBD_CMD_READ, length: 4 })).error).toBe(0);
});

test("an export that is withdrawn while a client opens it gets no client", async () => {
  await start();
  const held: (() => void)[] = [];
  let isHolding = false;
  const stream = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => void (isHolding ? held.push(done) : done()),
  });
  const ended = new Promise((resolve) => stream.once("finish", resolve));
  s.server.handleConnection(stream);
  isHolding = true;
  stream.push(Buffer.from([0, 0, 0, 3]));
  stream.push(encodeOption(NBD_OPT_EXPORT_NAME, Buffer.from("disk")));
  await until(() => held.length === 1);
  const removed = s.server.removeExport("disk");
  isHolding = false;
  held.pop()?.();
  await ended;
  await removed;
  stream.push(null);
  await until(() => s.server.connectionCount === 0);
  expect(s.server.exportNames).toEqual([]);
});

test("names and the default must be free, and a socket too", async () => {
  await start();
  expect(() => s.server.addExport({ name: "disk", driver: s.driver })).toThrow(
    expect.objectContaining({ code: "EEXIST", message: "NBD server already has export named 'disk'" }),
  );
  expect(() => s.server.addExport({ name: "d", driver: s.driver, default: true })).toThrow(
    expect.objectContaining({ code: "EEXIST" }),
  );
  expect(() => s.server.addExport({ name: "x".repeat(4097), driver: s.driver })).toThrow(
    expect.objectContaining({ code: "EINVAL" }),
  );
  await expect(s.server.listen({ path: s.path })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("several sockets serve the same exports, and each can be closed alone", async () => {
  await start();
  const first = await s.server.listen({ host: "127.0.0.1", port: 0 });
  const second = await s.server.listen({ path: `${s.path}2` });
  expect(first.address).toMatchObject({ host: "127.0.0.1", port: expect.any(Number) });
  const overTcp = await RawClient.open(first.address);
  await overTcp.ask({ type: NBD_CMD_WRITE, data: Buffer.from("tcp!") });
  await second.close();
  await expect(RawClient.connect(second.address)).rejects.toMatchObject({ syscall: "connect" });
  expect((await client.ask({ type: NBD_CMD_READ, length: 4 })).payload.toString()).toBe("tcp!");
  overTcp.destroy();
});

const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === "::1"));
if (!hasIpv6) process.stderr.write("\n*** SKIPPED: this machine has no ::1: listening on IPv6 was not tested ***\n\n");

test.skipIf(!hasIpv6).each([
  [{}, true],
  [{ ipv6Only: false }, true],
  [{ ipv6Only: true }, false],
])("on :: with %j, IPv4 is taken: %s", async (options, isTaken) => {
  await start();
  const { address } = await s.server.listen({ host: "::", port: 0, ...options });
  const port = "port" in address ? address.port : 0;
  (await RawClient.connect({ host: "::1", port })).destroy();
  const overIpv4 = RawClient.connect({ host: "127.0.0.1", port });
  if (isTaken) (await overIpv4).destroy();
  else await expect(overIpv4).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("while shutting down, what a driver gives up with ESHUTDOWN is answered so: the client may try elsewhere", async () => {
  await start();
  s.driver.hold = true;
  client.request({ type: NBD_CMD_READ, length: 4, cookie: [0, 1] });
  await until(() => s.driver.held.length === 1);
  const closing = s.server.close({ graceMs: 5000 });
  s.driver.failures.set("read", new BlockError("the program ends", { code: "ESHUTDOWN" }));
  s.driver.release();
  expect(await client.reply()).toMatchObject({ error: NBD_ESHUTDOWN, cookieLow: 1 });
  await client.closed();
  await closing;
});
