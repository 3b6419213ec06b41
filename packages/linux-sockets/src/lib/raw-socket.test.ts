import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadSockets, type Sockets } from "./load-sockets.ts";
import { OutputParts } from "./output-parts.ts";
import type { RawSocket, SocketSink } from "./raw-socket.ts";

const loaded = await loadSockets();
if (loaded === null) {
  if (process.env["CI"] !== undefined) throw new Error("sockets by system calls do not work here");
  console.warn("NOT RUN: sockets by system calls: not on Linux, or koffi is missing");
}

/** A socket by system calls with what it told, and Node's socket at the other end. */
interface Pair {
  raw: RawSocket;
  peer: Socket;
  received: Buffer[];
  told: string[];
}

let sockets: Sockets;
let folder: string;
let server: Server;
const open: { destroy(): void }[] = [];

beforeEach(async () => {
  if (loaded !== null) sockets = loaded;
  folder = mkdtempSync(join(tmpdir(), "rehandle-sockets-"));
  server = createServer({ allowHalfOpen: true });
  await once(server.listen(join(folder, "unix")), "listening");
});

afterEach(() => {
  for (const each of open.splice(0)) each.destroy();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The next connection, as Node accepts it. */
async function dial(tcp = false): Promise<{ accepted: Socket; peer: Socket }> {
  let target = server;
  if (tcp) {
    target = createServer({ allowHalfOpen: true });
    await once(target.listen(0, "127.0.0.1"), "listening");
    open.push({ destroy: () => target.close() });
  }
  const address = target.address();
  const where = typeof address === "string" ? { path: address } : { port: address!.port, host: "127.0.0.1" };
  const connected = once(target, "connection");
  const peer = connect({ ...where, allowHalfOpen: true });
  peer.on("error", () => undefined);
  open.push(peer);
  const [accepted] = (await connected) as [Socket];
  return { accepted, peer };
}

async function pair(tcp = false, sink: Partial<SocketSink> = {}): Promise<Pair> {
  const { accepted, peer } = await dial(tcp);
  const taken = sockets.take(accepted)!;
  const received: Buffer[] = [taken.unread];
  const told: string[] = [];
  const raw = sockets.open(taken, {
    data: (buffer, length) => void received.push(Buffer.from(buffer.subarray(0, length))),
    ended: () => void told.push("ended"),
    drained: () => void told.push("drained"),
    failed: (error) => void told.push(`failed ${(error as NodeJS.ErrnoException).code}`),
    ...sink,
  });
  open.push(raw);
  return { raw, peer, received, told };
}

function partsOf(...runs: Uint8Array[]): OutputParts {
  const parts = new OutputParts();
  for (const run of runs) parts.add(run, 0, run.length);
  return parts;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe.skipIf(loaded === null).each([false, true])("a raw socket, TCP: %s", (tcp) => {
  test("brings what arrives when it is wanted, and says that it is all", async () => {
    const { raw, peer, received, told } = await pair(tcp);
    peer.write("first ");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Buffer.concat(received).toString()).toBe("");
    raw.setReading(true);
    await until(() => received.length > 1);
    raw.setReading(false);
    peer.end("second");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told).toEqual([]);
    raw.setReading(true);
    await until(() => told.length > 0);
    expect(Buffer.concat(received).toString()).toBe("first second");
    expect(told).toEqual(["ended"]);
  });

  test("sends more than there is room for, in more pieces than one call takes, and the end after it", async () => {
    const { raw, peer, told } = await pair(tcp);
    const runs = Array.from({ length: 3000 }, (_, index) => new Uint8Array(1000 + (index % 7)).fill(index));
    const expected = Buffer.concat([...runs, Buffer.alloc(10_000_000, "x")]);
    expect(raw.write(partsOf(...runs, Buffer.alloc(10_000_000, "x")))).toBe(false);
    expect(raw.unsentBytes).toBeGreaterThan(0);
    expect(() => raw.write(partsOf(Buffer.from("y")))).toThrow("under way");
    raw.end();
    const chunks: Buffer[] = [];
    peer.on("data", (chunk) => chunks.push(chunk));
    await once(peer, "end");
    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
    expect(told).toEqual(["drained"]);
    expect(raw.unsentBytes).toBe(0);
  });

  test("tells a connection that broke, later and once", async () => {
    const { raw, peer, told } = await pair(tcp);
    raw.setReading(true);
    raw.write(partsOf(Buffer.from("unread")));
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (tcp) peer.resetAndDestroy();
    else peer.destroy();
    await until(() => told.length > 0);
    raw.write(partsOf(Buffer.alloc(100)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    // A unix socket without unread data just ends; writing to it breaks it.
    if (told[0] === "ended") expect(told).toEqual(["ended", "failed EPIPE"]);
    else expect(told).toEqual(["failed ECONNRESET"]);
  });

  test("gives way before it receives, if it is told that more is to come", async () => {
    const { accepted, peer } = await dial(tcp);
    const taken = sockets.take(accepted)!;
    let isMuchToCome = false;
    let asked = 0;
    const arrived: number[] = [];
    const raw = sockets.open(
      taken,
      {
        data: (_buffer, length) => void arrived.push(length),
        expectsMore: () => isMuchToCome,
        ended: () => undefined,
        drained: () => undefined,
        failed: () => undefined,
      },
      () => (asked += 1),
    );
    open.push(raw);
    raw.setReading(true);
    peer.write("1");
    await expect.poll(() => arrived).toEqual([1]);
    expect(asked).toBe(0);
    isMuchToCome = true;
    peer.write("12");
    await expect.poll(() => arrived).toEqual([1, 2]);
    // The time before and after.
    expect(asked).toBe(2);
  });

  test("promises that are settled by what arrives go on at once", async () => {
    let hear: (text: string) => void = () => undefined;
    const { raw, peer } = await pair(tcp, { data: (buffer, length) => hear(buffer.toString("latin1", 0, length)) });
    raw.setReading(true);
    for (let turn = 0; turn < 200; turn += 1) {
      const heard = new Promise<string>((resolve) => {
        hear = resolve;
      });
      peer.write(`turn ${turn}`);
      expect(await heard).toBe(`turn ${turn}`);
    }
  });
});

test.skipIf(loaded === null)(
  "what Node had received already is not lost, and its descriptor is given back",
  async () => {
    const { accepted, peer } = await dial();
    accepted.on("data", () => accepted.pause());
    peer.write("early");
    await until(() => accepted.bytesRead > 0);
    accepted.removeAllListeners("data");
    accepted.unshift(Buffer.from("early"));
    peer.write(" late");
    const taken = sockets.take(accepted)!;
    const received: Buffer[] = [taken.unread];
    const raw = sockets.open(taken, {
      data: (buffer, length) => void received.push(Buffer.from(buffer.subarray(0, length))),
      ended: () => undefined,
      drained: () => undefined,
      failed: () => undefined,
    });
    open.push(raw);
    raw.setReading(true);
    await until(() => Buffer.concat(received).length === 10);
    expect(Buffer.concat(received).toString()).toBe("early late");
    expect(accepted.destroyed).toBe(true);
    expect(sockets.take(accepted)).toBeNull();
  },
);

test.skipIf(loaded === null)("one that throws does not keep the others from their turn", async () => {
  const heard: string[] = [];
  const hear = (name: string): Partial<SocketSink> => ({
    data() {
      heard.push(name);
      if (name === "a") throw new Error("thrown on purpose");
    },
  });
  const pairs = [await pair(false, hear("a")), await pair(false, hear("b"))];
  const caught: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", (error) => caught.push(error));
  for (const { peer } of pairs) peer.write("x");
  for (const { raw } of pairs) raw.setReading(true);
  await until(() => heard.length === 2);
  await new Promise(setImmediate);
  for (const listener of listeners) process.on("uncaughtException", listener);
  expect(heard.toSorted()).toEqual(["a", "b"]);
  expect(String(caught[0])).toContain("thrown on purpose");
});

test("parts outside of their memory are refused", () => {
  const parts = new OutputParts();
  const memory = new Uint8Array(10);
  expect(() => parts.add(memory, 5, 11)).toThrow(RangeError);
  expect(() => parts.add(memory, 6, 5)).toThrow(RangeError);
  expect(() => parts.add(memory, -1, 5)).toThrow(RangeError);
  parts.add(memory, 0, 10);
  expect(parts).toMatchObject({ count: 1, length: 10 });
});

describe.skipIf(loaded === null).each([false, true])("a raw socket that is not read, TCP: %s", (tcp) => {
  test("tells once that the peer hung up, and brings what it sent before when it is read again", async () => {
    const { raw, peer, received, told } = await pair(tcp, { hungUp: () => void told.push("hung up") });
    peer.end("last words");
    await until(() => told.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([told, Buffer.concat(received).toString()]).toEqual([["hung up"], ""]);
    raw.setReading(true);
    await until(() => told.length > 1);
    raw.setReading(false);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([told, Buffer.concat(received).toString()]).toEqual([["hung up", "ended"], "last words"]);
  });

  test("tells a peer that hangs up after it was read, also while something is being sent", async () => {
    const { raw, peer, received, told } = await pair(tcp, { hungUp: () => void told.push("hung up") });
    raw.setReading(true);
    peer.write("x");
    await until(() => Buffer.concat(received).length === 1);
    raw.setReading(false);
    expect(raw.write(partsOf(Buffer.alloc(10_000_000)))).toBe(false);
    peer.end("y");
    await until(() => told.length > 0);
    peer.resume();
    await until(() => told.length > 1);
    expect([told, Buffer.concat(received).toString()]).toEqual([["hung up", "drained"], "x"]);
  });

  test("does not tell those who do not want to hear it", async () => {
    const { peer, told } = await pair(tcp);
    peer.end("last words");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told).toEqual([]);
  });
});

test.skipIf(loaded === null)("a connection that was reset is broken, also if it is not read", async () => {
  const { peer, told } = await pair(true, { hungUp: () => void told.push("hung up") });
  peer.write("unread");
  await new Promise((resolve) => setTimeout(resolve, 20));
  peer.resetAndDestroy();
  await until(() => told.length > 0);
  expect(told).toEqual(["failed ECONNRESET"]);
});
