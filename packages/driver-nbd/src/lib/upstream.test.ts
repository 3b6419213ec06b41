import { createVirtualClock, type BlockRequest } from "@rehandle/driver-sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDriver, pause, until, type OpenedDriver } from "../testing/opened-driver.ts";
import { dataChunk, errorChunk, holeChunk, simpleReply } from "../testing/replies.ts";
import { ScriptedServer, type ScriptedConnection } from "../testing/scripted-server.ts";

const MULTI_CONN = 1 << 8;
const DISC = 2;
/** Quicker than the default, so that the tests are. */
const reconnectBackoff = { initialMs: 10, maxMs: 20 };
let server: ScriptedServer;
let opened: OpenedDriver;

beforeEach(async () => {
  server = new ScriptedServer();
  await server.listen();
});

afterEach(async () => {
  for (const { socket } of server.connections) socket.destroy();
  await opened.driver.close();
  await server.close();
});

async function open(connections = 1, held = true): Promise<ScriptedConnection> {
  opened = await openDriver({ server: { type: "unix", path: server.path }, connections, reconnectBackoff }, { held });
  return server.nextConnection();
}

function write(offset: number, length = 512, fill = 1): Partial<BlockRequest> {
  return { operation: "write", offset, length, iov: [new Uint8Array(length).fill(fill)] };
}

function read(offset: number, length = 512): Partial<BlockRequest> {
  return { operation: "read", offset, length, iov: [new Uint8Array(length)] };
}

const types = (): string[] => opened.events.map(({ type }) => type);

describe("a lost connection", () => {
  test("is said first, then its requests fail, then it is replaced", async () => {
    const connection = await open();
    const order: string[] = [];
    const reading = opened.submit(read(0));
    void reading.done.then(() => order.push(`failed after ${types().join()}`));
    await connection.nextRequest();
    connection.socket.destroy();
    expect(await reading.done).toMatchObject({ code: "ECONNRESET", errorClass: "transport", operation: "read" });
    await until("it is back", () => types().includes("connected"));
    expect(order).toEqual(["failed after disconnected"]);
    expect(opened.events).toMatchObject([
      { type: "disconnected", error: { code: "ECONNRESET", errorClass: "transport" } },
      { type: "connected", generation: 2, instance: null },
    ]);
    const second = await server.nextConnection();
    const again = opened.submit(read(0));
    const request = await second.nextRequest();
    second.send(dataChunk(request, 0, new Uint8Array(512).fill(5), 1));
    expect(await again.done).toBeNull();
  });

  test("while it is away, requests fail at once where a layer above holds them", async () => {
    const connection = await open();
    await server.stopListening();
    connection.socket.destroy();
    await until("the loss is noticed", () => types().length > 0);
    const { done, completions } = opened.submit(write(0));
    expect(completions).toBe(1);
    expect(await done).toMatchObject({ code: "ECONNRESET", errorClass: "transport", operation: "write" });
    await server.listen();
    await until("it is back", () => types().includes("connected"));
    expect(types()).toEqual(["disconnected", "connected"]);
  });

  test("generations grow with every loss", async () => {
    let connection = await open();
    for (let generation = 2; generation < 5; generation += 1) {
      connection.socket.destroy();
      connection = await server.nextConnection();
      await until("it is back", () => types().length === 2 * (generation - 1));
      expect(opened.events.at(-1)).toMatchObject({ type: "connected", generation });
    }
  });

  test("the server says ESHUTDOWN: the requests that it still answers count, new ones go to the next connection", async () => {
    const connection = await open();
    const [first, second] = [opened.submit(write(0)), opened.submit(read(512))];
    const [one, two] = [await connection.nextRequest(), await connection.nextRequest()];
    connection.send(simpleReply(one, 108));
    expect(await first.done).toMatchObject({ code: "ESHUTDOWN", errorClass: "transport" });
    const next = await server.nextConnection();
    await until("it is back", () => types().includes("connected"));
    const third = opened.submit(write(1024));
    next.send(simpleReply(await next.nextRequest()));
    expect(await third.done).toBeNull();
    connection.send(dataChunk(two, 512, new Uint8Array(512).fill(9), 1));
    expect(await second.done).toBeNull();
    expect(second.request.iov[0]![0]).toBe(9);
    expect(await connection.nextRequest()).toMatchObject({ type: DISC });
    await until("the old connection is closed", () => connection.ended);
    expect(types()).toEqual(["disconnected", "connected"]);
  });

  test("an error that the server answered is not a lost connection", async () => {
    const connection = await open();
    const writing = opened.submit(write(0));
    connection.send(errorChunk(await connection.nextRequest(), 5));
    expect(await writing.done).toMatchObject({ code: "EIO", errorClass: "storage" });
    expect(opened.events).toEqual([]);
  });
});

describe("a group of connections", () => {
  beforeEach(() => {
    server.script.flags |= MULTI_CONN;
  });

  async function openGroup(): Promise<ScriptedConnection[]> {
    const group = [await open(3), await server.nextConnection(), await server.nextConnection()];
    await until("all shook hands", () => group.every(({ options }) => options.includes(7)));
    await pause(20);
    return group;
  }

  test("shares a batch, and one flush goes to one of them", async () => {
    const group = await openGroup();
    for (let at = 0; at < 96; at += 1) opened.submit(write(at * 512));
    await until("all have arrived", () => group.reduce((sum, { unclaimed }) => sum + unclaimed, 0) === 96);
    expect(group.map(({ unclaimed }) => unclaimed)).toEqual([32, 32, 32]);
    opened.submit({ operation: "flush" });
    await until("the flush has arrived", () => group.reduce((sum, { unclaimed }) => sum + unclaimed, 0) === 97);
  });

  test("is retired as a whole, but what its other connections answer counts", async () => {
    const group = await openGroup();
    const submitted = Array.from({ length: 96 }, (_, at) => opened.submit(write(at * 512)));
    await until("all have arrived", () => group.every(({ unclaimed }) => unclaimed === 32));
    group[1]!.socket.destroy();
    await until("it is back", () => types().includes("connected"));
    expect(types()).toEqual(["disconnected", "connected"]);
    // Nothing promises that a flush on a new connection covers these: whoever holds requests must send them again.
    for (let i = 0; i < 32; i += 1) group[0]!.send(simpleReply(await group[0]!.nextRequest()));
    for (let i = 0; i < 32; i += 1) group[2]!.send(simpleReply(await group[2]!.nextRequest(), 28));
    const results = await Promise.all(submitted.map(({ done }) => done));
    const codes = results.map((error) => error?.code ?? "ok");
    expect(codes.filter((code) => code === "ECONNRESET")).toHaveLength(32);
    expect(codes.filter((code) => code === "ESTALE")).toHaveLength(32);
    expect(codes.filter((code) => code === "ENOSPC")).toHaveLength(32);
    await until("both are closed in good order", () => group.every(({ ended }) => ended));
    expect(await group[0]!.nextRequest()).toMatchObject({ type: DISC });
  });

  test("a server without CAN_MULTI_CONN gets one connection", async () => {
    server.script.flags &= ~MULTI_CONN;
    await open(4);
    await pause(30);
    expect(server.connections).toHaveLength(1);
  });

  test("a further connection that shows another export is not used", async () => {
    server.script.onOption = (option) => {
      if (option === 7 && server.connections.length > 1) server.script.size = 1 << 19;
      return null;
    };
    const first = await open(2);
    const second = await server.nextConnection();
    await until("it is closed", () => second.ended);
    expect(types()).toEqual([]);
    expect(first.ended).toBe(false);
  });
});

describe("abandon", () => {
  test("gives the buffers back, replaces the connection, and the request completes when it is answered", async () => {
    const connection = await open();
    const reading = opened.submit(read(0));
    const writing = opened.submit(write(512, 512, 3));
    const flushing = opened.submit({ operation: "flush" });
    const requests = [await connection.nextRequest(), await connection.nextRequest(), await connection.nextRequest()];
    expect(opened.driver.abandon!(reading.request)).toBe(true);
    expect(types()).toEqual(["disconnected"]);
    expect(opened.driver.abandon!(writing.request)).toBe(true);
    await until("it is back", () => types().includes("connected"));
    expect(types()).toEqual(["disconnected", "connected"]);
    expect([reading, writing, flushing].map(({ completions }) => completions)).toEqual([0, 0, 0]);
    reading.request.iov[0]!.fill(0x77);
    connection.send(dataChunk(requests[0]!, 0, new Uint8Array(512), 1), simpleReply(requests[2]!));
    expect(await reading.done).toBeNull();
    expect(reading.request.iov[0]!.every((byte) => byte === 0x77)).toBe(true);
    expect(await flushing.done).toBeNull();
    expect(writing.completions).toBe(0);
    expect(connection.ended).toBe(false);
    connection.send(simpleReply(requests[1]!, 28));
    expect(await writing.done).toMatchObject({ code: "ENOSPC" });
    expect(await connection.nextRequest()).toMatchObject({ type: DISC });
    await until("the old connection is closed", () => connection.ended);
  });

  test("the connection ends instead of answering: that is the end of the request too", async () => {
    const connection = await open();
    const writing = opened.submit(write(0));
    await connection.nextRequest();
    expect(opened.driver.abandon!(writing.request)).toBe(true);
    await until("it is back", () => types().includes("connected"));
    expect(writing.completions).toBe(0);
    connection.socket.destroy();
    expect(await writing.done).toMatchObject({ code: "ECONNRESET", errorClass: "transport" });
    await pause(20);
    expect(types()).toEqual(["disconnected", "connected"]);
  });

  test("a late success is good as long as there is no newer connection", async () => {
    const connection = await open();
    const writing = opened.submit(write(0));
    const request = await connection.nextRequest();
    await server.stopListening();
    opened.driver.abandon!(writing.request);
    connection.send(simpleReply(request));
    expect(await writing.done).toBeNull();
  });

  test("a late success does not count if a newer connection need not cover it with a flush", async () => {
    const connection = await open();
    const writing = opened.submit(write(0));
    const forced = opened.submit({ ...write(512), flags: 1 });
    const [one, two] = [await connection.nextRequest(), await connection.nextRequest()];
    expect(two.flags).toBe(1);
    opened.driver.abandon!(writing.request);
    await until("it is back", () => types().includes("connected"));
    connection.send(simpleReply(one), simpleReply(two));
    expect(await writing.done).toMatchObject({ code: "ESTALE", errorClass: "transport" });
    expect(await forced.done).toBeNull();
  });

  test("a request that was not sent is cancelled", async () => {
    const connection = await open();
    const submitted = Array.from({ length: 300 }, (_, at) => opened.submit(write(at)));
    await until("a window full has arrived", () => connection.unclaimed === 256);
    const last = submitted.at(-1)!;
    expect(opened.driver.abandon!(last.request)).toBe(true);
    expect(last.completions).toBe(0);
    expect(await last.done).toMatchObject({ code: "ECANCELED", errorClass: "cancelled" });
    const failed = submitted.slice(256, -1);
    expect(failed.every(({ completions }) => completions === 1)).toBe(true);
    expect(await failed[0]!.done).toMatchObject({ errorClass: "transport" });
    expect(submitted.slice(0, 256).every(({ completions }) => completions === 0)).toBe(true);
    expect(types()).toEqual(["disconnected"]);
  });

  test("a large payload that the kernel has not taken stays where it is", async () => {
    // More than any buffer of the kernel.
    server.script.size = 8 * 1024 * 1024;
    const connection = await open();
    connection.socket.pause();
    const size = server.script.size;
    const large = opened.submit(write(0, size));
    const small = opened.submit(write(0, 4096));
    await pause(20);
    expect(opened.driver.abandon!(large.request)).toBe(false);
    expect(opened.driver.abandon!(small.request)).toBe(true);
    connection.socket.resume();
    const request = await connection.nextRequest();
    expect(request.payload.every((byte) => byte === 1)).toBe(true);
    expect(opened.driver.abandon!(large.request)).toBe(true);
    connection.send(simpleReply(request, 5));
    expect(await large.done).toMatchObject({ code: "EIO" });
  });

  test("of a request that is not here promises nothing", async () => {
    const connection = await open();
    const writing = opened.submit(write(0));
    connection.send(simpleReply(await connection.nextRequest()));
    expect(await writing.done).toBeNull();
    expect(opened.driver.abandon!(writing.request)).toBe(false);
    expect(types()).toEqual([]);
  });

  test("a server that neither answers nor ends is not connected to again and again", { timeout: 60_000 }, async () => {
    const connections = [await open()];
    for (let i = 0; i < 32; i += 1) {
      const { request } = opened.submit(write(0));
      await until("it has arrived", () => connections.at(-1)!.unclaimed === 1);
      opened.driver.abandon!(request);
      if (i === 31) break;
      connections.push(await server.nextConnection());
      await until("it is back", () => types().length === 2 * (i + 1));
    }
    await pause(300);
    expect(server.connections).toHaveLength(32);
    connections[5]!.socket.destroy();
    await server.nextConnection();
    await until("it is back", () => types().at(-1) === "connected");
  });
});

describe("a frozen server", () => {
  test("accepts but says nothing: the handshake is given up and tried again until it wakes", async () => {
    const clock = createVirtualClock();
    opened = await openDriver({ server: { type: "unix", path: server.path }, handshakeTimeoutMs: 3000 }, { clock });
    const first = await server.nextConnection();
    const writing = opened.submit(write(0));
    await first.nextRequest();
    server.script.greets = false;
    opened.driver.abandon!(writing.request);
    clock.advance(100);
    const silent = await server.nextConnection();
    expect(silent.ended).toBe(false);
    clock.advance(3000);
    await until("the silent one is given up", () => silent.ended);
    // The try took longer than any pause, so that the next follows at once: it waits at the server until that wakes.
    await server.nextConnection();
    server.script.greets = true;
    clock.advance(3000);
    await until("it is back", () => types().includes("connected"));
    first.socket.destroy();
    expect(await writing.done).toMatchObject({ errorClass: "transport" });
    const closing = opened.driver.close();
    clock.advance(2000);
    await closing;
  });
});

describe("storage that must not be used", () => {
  async function comeBack(connection: ScriptedConnection): Promise<void> {
    connection.socket.destroy();
    await until("it was found", () => types().some((type) => type === "refused" || type === "connected"));
  }

  test.for<[string, () => void, string, RegExp]>([
    ["smaller", () => (server.script.size -= 512), "ESTALE", /smaller: 1048064 bytes instead of 1048576/],
    ["read-only", () => (server.script.flags |= 2), "EROFS", /read-only/],
    ["without flush", () => (server.script.flags &= ~4), "ESTALE", /no longer offers flush/],
    ["without FUA and trim", () => (server.script.flags &= ~(8 | 32)), "ESTALE", /no longer offers FUA, trim/],
    ["without base:allocation", () => (server.script.allocationId = null), "ESTALE", /base:allocation/],
    ["of another name", () => (server.script.infos = [{ type: 1, name: "b" }]), "ESTALE", /name is "b" instead of "a"/],
    [
      "of another description",
      () => (server.script.infos = [{ type: 2, description: "y" }]),
      "ESTALE",
      /description is "y" instead of "x"/,
    ],
    [
      "of larger blocks",
      () => (server.script.infos = [{ type: 3, minimum: 4096, preferred: 4096, maximum: 1 << 25 }]),
      "ESTALE",
      /minimum block size is 4096 bytes instead of 512/,
    ],
    [
      "of shorter payloads",
      () => (server.script.infos = [{ type: 3, minimum: 512, preferred: 4096, maximum: 1 << 16 }]),
      "ESTALE",
      /maximum payload is 65536/,
    ],
  ])("%s: refused, and taken when it is right again", async ([, change, code, message]) => {
    const before = structuredClone({ ...server.script, onOption: null, infos: [] });
    const infos = [
      { type: 1, name: "a" },
      { type: 2, description: "x" },
      { type: 3, minimum: 512, preferred: 4096, maximum: 1 << 25 },
    ] as const;
    server.script.infos = [...infos];
    const connection = await open();
    change();
    await comeBack(connection);
    expect(opened.events[1]).toMatchObject({ type: "refused", error: { code } });
    expect((opened.events[1] as { error: Error }).error.message).toMatch(message);
    const { done } = opened.submit(read(0));
    expect(await done).toMatchObject({ errorClass: "transport" });
    const tries = server.connections.length;
    await until("there was another try", () => server.connections.length > tries + 1);
    expect(types()).toEqual(["disconnected", "refused"]);
    Object.assign(server.script, before, { onOption: server.script.onOption, infos: [...infos] });
    await until("it is back", () => types().includes("connected"));
    expect(types()).toEqual(["disconnected", "refused", "connected"]);
    expect(server.connections.every(({ unclaimed }, at) => unclaimed <= (at === 0 ? 0 : 1))).toBe(true);
  });

  test("larger: the new size is said", async () => {
    const connection = await open();
    server.script.size *= 2;
    await comeBack(connection);
    expect(opened.events.slice(1)).toMatchObject([
      { type: "resized", size: 2 << 20 },
      { type: "connected", generation: 2 },
    ]);
    expect(opened.driver.capabilities.size).toBe(2 << 20);
    const next = await server.nextConnection();
    const writing = opened.submit(write((2 << 20) - 512));
    next.send(simpleReply(await next.nextRequest()));
    expect(await writing.done).toBeNull();
  });

  test("more than was declared is fine, and stays undeclared", async () => {
    server.script.flags = 1 | 2;
    const connection = await open();
    server.script.flags = 1 | 4 | 8;
    await comeBack(connection);
    expect(types()).toEqual(["disconnected", "connected"]);
    expect(opened.driver.capabilities).toMatchObject({ readOnly: true, flush: false });
  });
});

describe("the identity option", () => {
  const options = { identity: { offset: 568, length: 16 }, reconnectBackoff };

  /** Answers the read of the identity on the next connection. */
  async function identify(fill: number): Promise<ScriptedConnection> {
    const connection = await server.nextConnection();
    const request = await connection.nextRequest();
    expect(request).toMatchObject({ type: 0, offset: 512, length: 512 });
    connection.send(dataChunk(request, 512, new Uint8Array(512).fill(fill), 1));
    return connection;
  }

  beforeEach(() => {
    server.script.infos = [{ type: 3, minimum: 512, preferred: 4096, maximum: 1 << 25 }];
  });

  async function openIdentified(fill: number): Promise<ScriptedConnection> {
    const [driver, connection] = await Promise.all([
      openDriver({ server: { type: "unix", path: server.path }, ...options }),
      identify(fill),
    ]);
    opened = driver;
    return connection;
  }

  test("other bytes are another disk", async () => {
    const connection = await openIdentified(0xaa);
    connection.socket.destroy();
    const wrong = await identify(0xbb);
    await until("it is refused", () => types().includes("refused"));
    expect((opened.events[1] as { error: Error }).error.message).toMatch(
      /another disk: at 568 it has bbbb.* instead of aaaa/,
    );
    await until("it is closed", () => wrong.ended);
    await identify(0xaa);
    await until("it is back", () => types().includes("connected"));
  });

  test("a write there ends the comparison", async () => {
    const connection = await openIdentified(0xaa);
    const writing = opened.submit(write(512));
    connection.send(simpleReply(await connection.nextRequest()));
    expect(await writing.done).toBeNull();
    connection.socket.destroy();
    await identify(0xbb);
    await until("it is back", () => types().includes("connected"));
    server.connections.at(-1)!.socket.destroy();
    await identify(0xcc);
    await until("it is refused", () => types().includes("refused"));
  });

  test("an identity that cannot be read is a failed try", async () => {
    const opening = openDriver({ server: { type: "unix", path: server.path }, ...options });
    const connection = await server.nextConnection();
    connection.send(errorChunk(await connection.nextRequest(), 5));
    await expect(opening).rejects.toMatchObject({ code: "EIO" });
    await until("it is closed", () => connection.ended);
    server.script.size = 512;
    const outside = openDriver({ server: { type: "unix", path: server.path }, ...options });
    await expect(outside).rejects.toThrow(/identity is outside/);
    await server.nextConnection();
    server.script.size = 1 << 20;
    await openIdentified(1);
  });
});

describe("close", () => {
  test("waits for answers, says goodbye, and takes nothing more", async () => {
    const connection = await open();
    const writing = opened.submit(write(0));
    const request = await connection.nextRequest();
    const closing = opened.driver.close();
    const late = opened.submit(read(0));
    expect(await late.done).toMatchObject({ code: "ECANCELED" });
    expect(writing.completions).toBe(0);
    connection.send(simpleReply(request));
    expect(await writing.done).toBeNull();
    await closing;
    expect(await connection.nextRequest()).toMatchObject({ type: DISC });
    await until("the connection is closed", () => connection.ended);
    expect(await opened.submit(read(0)).done).toMatchObject({ errorClass: "cancelled" });
    expect(types()).toEqual([]);
  });

  test("does not wait for ever", async () => {
    const clock = createVirtualClock();
    opened = await openDriver({ server: { type: "unix", path: server.path } }, { clock });
    const connection = await server.nextConnection();
    const [abandoned, silent] = [opened.submit(write(0)), opened.submit(write(512))];
    await connection.nextRequest();
    opened.driver.abandon!(abandoned.request);
    const closing = opened.driver.close();
    clock.advance(1999);
    await pause(5);
    expect(silent.completions).toBe(0);
    clock.advance(1);
    await closing;
    expect(await silent.done).toMatchObject({ code: "ECANCELED", errorClass: "cancelled" });
    expect(await abandoned.done).toMatchObject({ code: "ECANCELED" });
    await until("the connection is closed", () => connection.ended);
    expect(clock.pending).toBe(0);
    await opened.driver.close();
  });

  test("while disconnected, and twice", async () => {
    const connection = await open();
    await server.stopListening();
    connection.socket.destroy();
    await until("the loss is noticed", () => types().length > 0);
    await Promise.all([opened.driver.close(), opened.driver.close()]);
    await server.listen();
    await pause(250);
    expect(server.connections).toHaveLength(1);
    expect(types()).toEqual(["disconnected"]);
  });
});

test("reconnectNow() does not wait for the pause to end", async () => {
  const clock = createVirtualClock();
  const { path } = server;
  opened = await openDriver({ server: { type: "unix", path }, reconnectBackoff: { refusedMaxMs: 60_000 } }, { clock });
  const connection = await server.nextConnection();
  await server.stopListening();
  clock.advance(1000);
  connection.socket.destroy();
  await until("a try has failed", () => clock.pending === 1 && types().length === 1 && (clock.nextDue ?? 0) < 1101);
  await server.listen();
  await pause(20);
  expect(types()).toEqual(["disconnected"]);
  opened.driver.reconnectNow!();
  await until("it is back", () => types().includes("connected"));
  const closing = opened.driver.close();
  clock.advance(2000);
  await closing;
});

test("a discard of more than 32 bits goes out in pieces, and a piece that fails ends it", async () => {
  const GiB = 2 ** 30;
  server.script.size = 8 * GiB;
  const connection = await open();
  const whole = opened.submit({ operation: "discard", offset: 512, length: 5 * GiB });
  for (let at = 0; at < 5; at += 1) {
    const request = await connection.nextRequest();
    expect(request).toMatchObject({ type: 4, offset: 512 + at * GiB, length: GiB });
    expect(whole.completions).toBe(0);
    connection.send(simpleReply(request));
  }
  expect(await whole.done).toBeNull();
  const failing = opened.submit({ operation: "write-zeroes", offset: 0, length: 5 * GiB, flags: 1 | 2 | 4 });
  const first = await connection.nextRequest();
  expect(first).toMatchObject({ type: 6, offset: 0, length: GiB, flags: 1 | 16 });
  connection.send(simpleReply(first));
  connection.send(simpleReply(await connection.nextRequest(), 28));
  expect(await failing.done).toMatchObject({ code: "ENOSPC", offset: 0, length: 5 * GiB });
  const plain = opened.submit({ operation: "write-zeroes", offset: 0, length: 512 });
  const request = await connection.nextRequest();
  expect(request.flags).toBe(2);
  connection.send(simpleReply(request));
  expect(await plain.done).toBeNull();
  expect(connection.unclaimed).toBe(0);
});

test("a long discard that loses its connection between two pieces is not finished on the next", async () => {
  server.script.size = 2 ** 33;
  const connection = await open();
  const discarding = opened.submit({ operation: "discard", offset: 0, length: 2 ** 31 });
  const writing = opened.submit(write(0));
  const request = await connection.nextRequest();
  await connection.nextRequest();
  opened.driver.abandon!(writing.request);
  connection.send(simpleReply(request));
  expect(await discarding.done).toMatchObject({ errorClass: "transport", operation: "discard" });
  const next = await server.nextConnection();
  await until("it is back", () => types().includes("connected"));
  expect(next.unclaimed).toBe(0);
});

test("bytes in flight are bounded, and what was answered makes room", async () => {
  const MiB = 1 << 20;
  server.script.size = 64 * MiB;
  const connection = await open();
  const reads = Array.from({ length: 50 }, (_, at) => opened.submit(read(at * MiB, MiB)));
  await until("a window full has arrived", () => connection.unclaimed === 16);
  await pause(10);
  expect(connection.unclaimed).toBe(16);
  for (let at = 0; at < 50; at += 1) {
    const request = await connection.nextRequest();
    connection.send(holeChunk(request, request.offset, MiB, 1));
  }
  expect(await Promise.all(reads.map(({ done }) => done))).toEqual(reads.map(() => null));
});

test("what waits for room in the kernel is sent when there is room, not only after an answer", async () => {
  const connection = await open();
  connection.socket.pause();
  opened.submit(write(0, server.script.size));
  await pause(10);
  opened.submit(write(0, 512, 2));
  opened.submit(write(512, 512, 3));
  connection.socket.resume();
  const requests = [await connection.nextRequest(), await connection.nextRequest(), await connection.nextRequest()];
  expect(requests.map(({ payload }) => payload.length)).toEqual([1 << 20, 512, 512]);
  expect(requests.map(({ payload }) => payload.at(-1))).toEqual([1, 2, 3]);
  expect(requests.map(({ payload }) => payload.every((byte) => byte === payload[0]))).toEqual([true, true, true]);
});

test("what needs no command is answered without one", async () => {
  server.script.flags = 1;
  const connection = await open();
  expect(await opened.submit({ operation: "flush" }).done).toBeNull();
  expect(await opened.submit(read(0, 0)).done).toBeNull();
  expect(await opened.submit(write(0, 0)).done).toBeNull();
  expect(connection.unclaimed).toBe(0);
});
