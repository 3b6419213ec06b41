import { loadSockets } from "@rehandle/linux-sockets";
import { afterEach, describe, expect, test } from "vitest";
import { NBD_CMD_DISC, NBD_CMD_READ, NBD_CMD_WRITE } from "../protocol/constants.ts";
import { RawClient, requestBytes } from "../testing/raw-client.ts";
import { serve, type TestServer, type TestServerOptions, until } from "../testing/serve.ts";
import type { NbdListenAddress } from "./nbd-server.ts";

const GRACE = 10_000;
const hasSockets = (await loadSockets()) !== null;
if (!hasSockets) console.warn("NOT RUN: hang-ups behind a full connection: koffi is missing, or this is not Linux");

let s: TestServer;
let tcp: NbdListenAddress;
const clients: RawClient[] = [];

async function start(options: TestServerOptions = {}): Promise<void> {
  s = await serve(options);
  ({ address: tcp } = await s.server.listen({ host: "127.0.0.1", port: 0 }));
  s.driver.hold = true;
}

async function join(where: NbdListenAddress | string): Promise<RawClient> {
  const client = await RawClient.open(where);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await s.stop();
});

/** Long enough that whatever is to be seen has been seen. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

/** Lets the server's time go on until nobody is connected. */
async function untilNobody(): Promise<void> {
  await until(() => {
    s.clock.advance(GRACE / 10);
    return s.server.connectionCount === 0;
  });
}

describe.each([
  ["system calls", "auto"],
  ["Node", "node"],
] as const)("on sockets by %s", (_name, sockets) => {
  test("what a client that was reset had in flight is cancelled, but not what came before its DISC", async () => {
    await start({ sockets });
    s.driver.cancels = true;
    const [leaving, lost] = [await join(tcp), await join(tcp)];
    leaving.request({ type: NBD_CMD_WRITE, offset: 0, data: Buffer.from("kept") });
    leaving.send(requestBytes({ type: NBD_CMD_READ, length: 4 }), requestBytes({ type: NBD_CMD_DISC }));
    await until(() => s.driver.held.length === 2);
    lost.request({ type: NBD_CMD_WRITE, offset: 4, data: Buffer.from("lost") });
    for (let i = 0; i < 100; i += 1) lost.request({ type: NBD_CMD_READ, length: 4096 });
    await until(() => s.driver.held.length === 103);
    for (const client of [leaving, lost]) client.reset();
    await until(() => s.server.connectionCount === 0);
    expect(s.driver.held.map(({ operation, offset }) => [operation, offset])).toEqual([["write", 0]]);
    s.driver.hold = false;
    s.driver.release();
    const { payload } = await (await join(s.path)).ask({ type: NBD_CMD_READ, length: 8 });
    expect(payload.toString()).toBe("kept\0\0\0\0");
  });

  test.each(["tcp", "unix"] as const)(
    "a %s client that hung up without a DISC is gone after some time",
    async (kind) => {
      await start({ sockets });
      s.driver.cancels = true;
      const client = await join(kind === "tcp" ? tcp : s.path);
      client.request({ type: NBD_CMD_READ, length: 4096 });
      await until(() => s.driver.held.length === 1);
      client.destroy();
      await aWhile();
      s.clock.advance(GRACE - 1);
      await aWhile();
      expect(s.server.connectionCount).toBe(1);
      s.clock.advance(1);
      expect([s.server.connectionCount, s.driver.held.length]).toEqual([0, 0]);
      expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { message: "the client hung up" } });
    },
  );

  test("a client that hung up after its DISC gets its answers, however late", async () => {
    await start({ sockets });
    const client = await join(tcp);
    client.send(requestBytes({ type: NBD_CMD_READ, length: 4 }), requestBytes({ type: NBD_CMD_DISC }));
    client.stream.end();
    await until(() => s.driver.held.length === 1);
    await aWhile();
    s.clock.advance(100 * GRACE);
    await aWhile();
    s.driver.release();
    expect((await client.reply(4)).error).toBe(0);
    await client.closed();
    await until(() => s.server.connectionCount === 0);
    expect(s.events.at(-1)).toEqual({ type: "closed", exportName: "disk", error: null });
  });

  test("connections that are gone count until their requests are over", async () => {
    await start({ sockets, limits: { maxConnections: 2 } });
    for (let i = 0; i < 2; i += 1) {
      const client = await join(tcp);
      client.request({ type: NBD_CMD_WRITE, data: Buffer.alloc(100_000) });
      await until(() => s.driver.held.length === i + 1);
      client.reset();
      await until(() => s.server.connectionCount === 0);
    }
    await (await RawClient.connect(tcp)).closed();
    expect(s.events.at(-1)).toEqual({ type: "refused" });
    s.driver.release();
    await join(tcp);
    expect(s.server.connectionCount).toBe(1);
  });
});

/** A client with five writes, of which the server has room for two. */
async function joinTooMuch(kind: "tcp" | "unix"): Promise<RawClient> {
  await start({ limits: { maxInFlightRequests: 2 } });
  const client = await join(kind === "tcp" ? tcp : s.path);
  for (let i = 0; i < 5; i += 1) client.request({ type: NBD_CMD_WRITE, data: Buffer.alloc(100_000) });
  await until(() => s.driver.held.length === 2);
  return client;
}

describe.runIf(hasSockets)("while a connection is not read, because no more fits in", () => {
  test.each(["tcp", "unix"] as const)("a %s client that hung up is gone after some time", async (kind) => {
    const client = await joinTooMuch(kind);
    client.destroy();
    await untilNobody();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { message: "the client hung up" } });
  });

  test("a client that was reset is gone at once", async () => {
    const client = await joinTooMuch("tcp");
    client.reset();
    await until(() => s.server.connectionCount === 0);
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { code: "ECONNRESET" } });
  });

  test("a client that hung up while the storage is congested is gone after some time", async () => {
    await start({ nbdExport: { isCongested: () => true } });
    const client = await join(s.path);
    client.request({ type: NBD_CMD_READ, length: 4096 });
    await aWhile();
    client.destroy();
    await untilNobody();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { message: "the client hung up" } });
  });

  test("a client that only stops sending gets all of its answers, also to what was not read yet", async () => {
    const client = await joinTooMuch("tcp");
    client.stream.end();
    await aWhile();
    s.driver.hold = false;
    s.driver.release();
    for (let i = 0; i < 5; i += 1) expect((await client.reply()).error).toBe(0);
    await client.closed();
    await until(() => s.server.connectionCount === 0);
    expect(s.events.at(-1)).toEqual({ type: "closed", exportName: "disk", error: null });
  });
});
