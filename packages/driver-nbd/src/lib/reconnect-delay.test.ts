import { createVirtualClock, type BlockRequest, type VirtualClock } from "@rehandle/driver-sdk";
import { createRandom } from "@rehandle/driver-sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDriver, pause, until, type OpenedDriver } from "../testing/opened-driver.ts";
import { dataChunk, simpleReply } from "../testing/replies.ts";
import { ScriptedServer, type ScriptedConnection } from "../testing/scripted-server.ts";
import type { NbdDriverOptions } from "./driver-options.ts";
import { createNbdDriver } from "./nbd-driver.ts";

let server: ScriptedServer;
let clock: VirtualClock;
let opened: OpenedDriver | null;

beforeEach(async () => {
  server = new ScriptedServer();
  await server.listen();
  clock = createVirtualClock();
  opened = null;
});

afterEach(async () => {
  const closing = opened?.driver.close();
  clock.advance(2000);
  await closing;
  await server.close();
});

const read = (offset: number): Partial<BlockRequest> => ({
  operation: "read",
  offset,
  length: 512,
  iov: [new Uint8Array(512)],
});
const write = (offset: number): Partial<BlockRequest> => ({ ...read(offset), operation: "write" });

async function open(options: Partial<NbdDriverOptions>, held = false): Promise<[OpenedDriver, ScriptedConnection]> {
  opened = await openDriver({ server: { type: "unix", path: server.path }, ...options }, { clock, held });
  return [opened, await server.nextConnection()];
}

/** Takes the server away and waits until the driver has noticed. */
async function takeAway(driver: OpenedDriver, connection: ScriptedConnection): Promise<void> {
  await server.stopListening();
  connection.socket.destroy();
  await until("the loss is noticed", () => driver.events.length > 0);
}

/** Moves the virtual clock on bit by bit, so that real sockets have time to do what it asks of them. */
async function elapse(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(Math.min(100, left));
    await pause(1);
  }
}

describe("reconnect-delay without a layer that holds requests", () => {
  test("requests in flight and new ones wait, and are sent again in their order", async () => {
    const [driver, connection] = await open({ reconnectDelay: 10 });
    const [first, second] = [driver.submit(write(0)), driver.submit(read(512))];
    await connection.nextRequest();
    await connection.nextRequest();
    await takeAway(driver, connection);
    const third = driver.submit(write(1024));
    await elapse(9800);
    expect([first, second, third].map(({ completions }) => completions)).toEqual([0, 0, 0]);
    await server.listen();
    await elapse(100);
    const next = await server.nextConnection();
    const requests = [await next.nextRequest(), await next.nextRequest(), await next.nextRequest()];
    expect(requests.map(({ offset }) => offset)).toEqual([0, 512, 1024]);
    next.send(
      simpleReply(requests[0]!),
      dataChunk(requests[1]!, 512, new Uint8Array(512).fill(4), 1),
      simpleReply(requests[2]!),
    );
    expect(await Promise.all([first.done, second.done, third.done])).toEqual([null, null, null]);
    expect(second.request.iov[0]![511]).toBe(4);
    await elapse(20_000);
    expect(driver.events.map(({ type }) => type)).toEqual(["disconnected", "connected"]);
  });

  test("after the delay they fail, later ones fail at once, and after a reconnect all is well", async () => {
    const [driver, connection] = await open({ reconnectDelay: 10 });
    const first = driver.submit(write(0));
    await connection.nextRequest();
    await takeAway(driver, connection);
    await elapse(5000);
    const second = driver.submit(read(0));
    await elapse(4999);
    expect([first.completions, second.completions]).toEqual([0, 0]);
    await elapse(1);
    expect(await first.done).toMatchObject({ code: "ECONNRESET", errorClass: "transport", operation: "write" });
    expect(await second.done).toMatchObject({ errorClass: "transport", operation: "read" });
    const third = driver.submit(read(0));
    expect(third.completions).toBe(1);
    await server.listen();
    await elapse(200);
    const next = await server.nextConnection();
    await until("it is back", () => driver.events.length === 2);
    const fourth = driver.submit(write(0));
    next.send(simpleReply(await next.nextRequest()));
    expect(await fourth.done).toBeNull();
    await server.stopListening();
    next.socket.destroy();
    await until("the loss is noticed", () => driver.events.length === 3);
    expect(driver.submit(read(0)).completions).toBe(0);
  });

  test("0: they fail at once", async () => {
    const [driver, connection] = await open({ reconnectDelay: 0 });
    const first = driver.submit(write(0));
    await connection.nextRequest();
    await takeAway(driver, connection);
    expect(await first.done).toMatchObject({ errorClass: "transport" });
    expect(driver.submit(write(0)).completions).toBe(1);
  });

  test("the next loss has a delay of its own", async () => {
    const [driver, connection] = await open({ reconnectDelay: 10 });
    connection.socket.destroy();
    await elapse(200);
    const next = await server.nextConnection();
    await until("it is back", () => driver.events.length === 2);
    await server.stopListening();
    next.socket.destroy();
    await until("the loss is noticed", () => driver.events.length === 3);
    const waiting = driver.submit(write(0));
    await elapse(9999);
    expect(waiting.completions).toBe(0);
    await elapse(1);
    expect(waiting.completions).toBe(1);
  });

  test("a request that its submitter abandoned is not sent again", async () => {
    const [driver, connection] = await open({ reconnectDelay: 10 });
    const [given, kept] = [driver.submit(write(0)), driver.submit(write(512))];
    await connection.nextRequest();
    await connection.nextRequest();
    driver.driver.abandon!(given.request);
    connection.socket.destroy();
    expect(await given.done).toMatchObject({ errorClass: "transport" });
    await elapse(200);
    const next = await server.nextConnection();
    const request = await next.nextRequest();
    expect(request.offset).toBe(512);
    next.send(simpleReply(request));
    expect(await kept.done).toBeNull();
  });

  test("close from within the event of the loss leaves nothing behind", async () => {
    const [driver, connection] = await open({ reconnectDelay: 10 });
    const inFlight = driver.submit(write(0));
    await connection.nextRequest();
    const closings: Promise<void>[] = [];
    driver.events.push = () => closings.push(driver.driver.close());
    connection.socket.destroy();
    expect(await inFlight.done).toMatchObject({ code: "ECANCELED" });
    await Promise.all(closings);
    expect(clock.pending).toBe(0);
    expect(server.connections).toHaveLength(1);
  });

  test("close gives back what waits", async () => {
    const [driver, connection] = await open({ reconnectDelay: 10 });
    const waiting = driver.submit(write(0));
    await connection.nextRequest();
    await takeAway(driver, connection);
    await driver.driver.close();
    expect(await waiting.done).toMatchObject({ code: "ECANCELED", errorClass: "cancelled" });
    expect(clock.pending).toBe(0);
  });
});

test("reconnect-delay does not apply where a layer above holds requests", async () => {
  const [driver, connection] = await open({ reconnectDelay: 3600 }, true);
  const first = driver.submit(write(0));
  await connection.nextRequest();
  await takeAway(driver, connection);
  expect(await first.done).toMatchObject({ errorClass: "transport" });
  expect(driver.submit(write(0)).completions).toBe(1);
});

describe("open-timeout", () => {
  test("0: one try, whose error is told", async () => {
    await server.stopListening();
    await expect(open({})).rejects.toMatchObject({
      code: "ENOENT",
      errorClass: "transport",
      cause: { code: "ENOENT" },
    });
    await expect(open({})).rejects.toThrow(`Failed to connect to '${server.path}'`);
    expect(clock.pending).toBe(0);
  });

  test("0: one try and no more, however long that took", async () => {
    server.script.onOption = () => {
      // Longer than any pause between tries.
      clock.advance(4000);
      return [new Uint8Array(20)];
    };
    await expect(open({})).rejects.toMatchObject({ code: "EPROTO" });
    await pause(20);
    expect(server.connections).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test("tries until the server is there", async () => {
    await server.stopListening();
    const opening = open({ openTimeout: 30 });
    await elapse(2000);
    await server.listen();
    await elapse(200);
    const [driver] = await opening;
    expect(driver.events).toEqual([]);
    expect(driver.driver.capabilities.size).toBe(1 << 20);
    await elapse(40_000);
    expect(driver.events).toEqual([]);
  });

  test("tells the last failure when it is over", async () => {
    await server.stopListening();
    const opening = open({ openTimeout: 3 });
    opening.catch(() => {});
    await elapse(2999);
    const outcome = Promise.race([opening.then(() => "opened"), pause(20).then(() => "still trying")]);
    expect(await outcome).toBe("still trying");
    await elapse(1);
    await expect(opening).rejects.toMatchObject({ code: "ENOENT", errorClass: "transport" });
    expect(clock.pending).toBe(0);
  });

  test("and a server that says nothing does not make it longer", async () => {
    server.script.greets = false;
    const opening = open({ openTimeout: 3 });
    opening.catch(() => {});
    const connection = await server.nextConnection();
    await elapse(3000);
    await expect(opening).rejects.toMatchObject({ code: "ETIMEDOUT", errorClass: "transport", operation: "open" });
    await until("the connection is closed", () => connection.ended);
    expect(clock.pending).toBe(0);
  });
});

describe("an open that is ended early", () => {
  function opening(signal?: AbortSignal): { driver: ReturnType<typeof createNbdDriver>; opened: Promise<unknown> } {
    const driver = createNbdDriver({ server: { type: "unix", path: server.path }, openTimeout: 60 });
    const context = { clock, random: createRandom(1), held: true, onEvent: () => {} };
    const promise = driver.open(signal === undefined ? context : { ...context, signal });
    promise.catch(() => {});
    return { driver, opened: promise };
  }

  test("by its signal", async () => {
    server.script.greets = false;
    const abort = new AbortController();
    const { opened: result } = opening(abort.signal);
    const connection = await server.nextConnection();
    abort.abort();
    await expect(result).rejects.toMatchObject({ code: "ECANCELED", errorClass: "cancelled" });
    await until("the connection is closed", () => connection.ended);
    expect(clock.pending).toBe(0);
  });

  test("by a signal that was given before", async () => {
    await expect(opening(AbortSignal.abort()).opened).rejects.toMatchObject({ code: "ECANCELED" });
    expect(server.connections).toHaveLength(0);
  });

  test("by close", async () => {
    server.script.greets = false;
    const { driver, opened: result } = opening();
    await server.nextConnection();
    await driver.close();
    await expect(result).rejects.toMatchObject({ code: "ECANCELED" });
    expect(() => driver.capabilities).toThrow(expect.objectContaining({ code: "EBADF" }));
    expect(clock.pending).toBe(0);
  });
});

test("a driver that is not open refuses everything", async () => {
  const driver = createNbdDriver({ server: { type: "unix", path: server.path } });
  expect(() => driver.capabilities).toThrow(expect.objectContaining({ name: "BlockError", code: "EBADF" }));
  driver.reconnectNow!();
  await driver.close();
});
