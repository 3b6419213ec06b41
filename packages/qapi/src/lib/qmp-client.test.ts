import { encodeUtf8 } from "@rehandle/json";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { QmpClientOptions } from "./caller.ts";
import { createQmpClient, type QmpClient } from "./qmp-client.ts";
import { isQmpError, QmpError } from "./qmp-error.ts";
import { createQmpServer, type QmpHandlers, type QmpServer } from "./qmp-server.ts";
import { rehandleSchema, type RehandleSchema } from "./generated/schema.ts";
import { GREETING, NEGOTIATED } from "../testing/qmp-pipe.ts";
import type { RehandleInfo } from "./generated/types.ts";

interface Pair {
  readonly client: QmpClient<RehandleSchema>;
  readonly server: QmpServer<RehandleSchema>;
}

/** A client and a server, end to end in memory. Bytes travel one at a time. */
function connect(commands: QmpHandlers<RehandleSchema> = {}): Pair {
  const version = { major: 7, minor: 2, micro: 0 };
  const server = createQmpServer({ schema: rehandleSchema, commands, version, clock: { realtime: () => 1500 } });
  const toServer: Uint8Array[] = [];
  const client = createQmpClient<RehandleSchema>({
    write: (bytes) => void toServer.push(bytes),
    end: () => session.closed(),
  });
  const session = server.attach({
    write: (bytes) => bytes.forEach((byte) => client.receive(Uint8Array.of(byte))),
    pendingBytes: () => 0,
    end: () => client.closed(),
    destroy: () => client.closed(),
  });
  const deliver = (): void => {
    for (const bytes of toServer.splice(0)) bytes.forEach((byte) => session.receive(Uint8Array.of(byte)));
  };
  const pump = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      deliver();
      await Promise.resolve();
    }
  };
  void pump();
  return { client, server };
}

interface Spoken {
  readonly client: QmpClient<RehandleSchema>;
  readonly sent: string[];
  readonly say: (text: string) => void;
}

/** A client that a test feeds by hand. */
function listen(options: QmpClientOptions<RehandleSchema> = {}): Spoken {
  const sent: string[] = [];
  const client = createQmpClient<RehandleSchema>(
    {
      write: (bytes) => void sent.push(String.fromCharCode(...bytes)),
      end: () => void sent.push("end"),
    },
    options,
  );
  return { client, sent, say: (text) => client.receive(encodeUtf8(text)) };
}

describe("commands", () => {
  test("given before the greeting are sent after the negotiation, and typed by the schema", async () => {
    const info = { device: "d", enabled: true, paused: false, status: "hang", "iohang-timeout": 60, held: 3 } as const;
    const { client } = connect({
      "query-rehandle": ({ "node-name": node = "none" }) => [{ ...info, "node-name": node, "held-bytes": 2n ** 60n }],
    });
    const result = await client.execute("query-rehandle", { "node-name": "disk" });
    expectTypeOf(result).toEqualTypeOf<RehandleInfo[]>();
    expect(result).toEqual([{ ...info, "node-name": "disk", "held-bytes": 2n ** 60n }]);
    expect((await client.ready).version.qemu).toEqual({ major: 7, minor: 2, micro: 0 });
  });

  test("fail with the server's class and description", async () => {
    const { client } = connect({
      "rehandle-pause": () => {
        throw new QmpError("Device 'x' not found", "DeviceNotFound");
      },
    });
    const failure: unknown = await client.execute("rehandle-pause", { "node-name": "x" }).catch((error) => error);
    expect(isQmpError(failure)).toBe(true);
    expect(failure).toMatchObject({ class: "DeviceNotFound", desc: "Device 'x' not found" });
    await expect(client.execute("quit")).rejects.toMatchObject({ class: "CommandNotFound" });
  });

  test("are answered in any order, by their ids", async () => {
    const { client, sent, say } = listen();
    say(GREETING);
    const [first, second] = [client.execute("query-block"), client.execute("query-version")];
    say('{"return": {}, "id": "rehandle-negotiation"}');
    expect(sent.map((line) => (JSON.parse(line) as { id: unknown }).id)).toEqual(["rehandle-negotiation", 1, 2]);
    say('{"id": 2, "return": {"package": "second"}}{"id": 1, "return": []}');
    expect([await first, await second]).toEqual([[], { package: "second" }]);
  });
});

describe("events", () => {
  test("reach listeners of their name until these are stopped, and iterators", async () => {
    const { client, server } = connect();
    await client.ready;
    const heard: unknown[] = [];
    const stop = client.on("BLOCK_IO_HANG", ({ data }) => heard.push(data.set));
    const iterator = client.events();
    const first = iterator.next();
    server.emit("BLOCK_IO_HANG", { set: true, "node-name": "disk", outage: "7" });
    server.emit("BLOCK_EXPORT_DELETED", { id: "e" });
    stop();
    server.emit("BLOCK_IO_HANG", { set: false });
    server.close();
    expect(heard).toEqual([true]);
    expect((await first).value).toEqual({
      event: "BLOCK_IO_HANG",
      data: { set: true, "node-name": "disk", outage: "7" },
      timestamp: { seconds: 1, microseconds: 500_000 },
    });
    const rest: string[] = [];
    for await (const { event } of iterator) rest.push(event);
    expect(rest).toEqual(["BLOCK_EXPORT_DELETED", "BLOCK_IO_HANG"]);
  });

  test("that nobody takes do not pile up", async () => {
    const { client, server } = connect();
    await client.ready;
    const iterator = client.events(2);
    for (const id of ["a", "b", "c", "d"]) server.emit("BLOCK_EXPORT_DELETED", { id });
    expect(iterator.dropped).toBe(2);
    expect((await iterator.next()).value).toMatchObject({ data: { id: "c" } });
    await iterator.return?.();
    expect((await iterator.next()).done).toBe(true);
  });
});

describe("a connection", () => {
  test("that ends fails what waits and ends what listens", async () => {
    const { client } = listen();
    const command = client.execute("query-block");
    const next = client.events().next();
    client.closed("ECONNRESET");
    client.closed();
    await expect(command).rejects.toMatchObject({
      class: "ConnectionClosed",
      desc: "the QMP connection is closed: ECONNRESET",
    });
    await expect(client.ready).rejects.toMatchObject({ class: "ConnectionClosed" });
    await expect(client.execute("query-block")).rejects.toMatchObject({ class: "ConnectionClosed" });
    expect([(await next).done, (await client.events().next()).done]).toEqual([true, true]);
  });

  test.each(["HTTP/1.1 400 Bad Request\r\n", "[1]", '{"error": 5}', "{}"])("to something else: %s", async (text) => {
    const { client, sent, say } = listen();
    const command = client.execute("query-block");
    say(text);
    await expect(command).rejects.toMatchObject({ class: "ProtocolError" });
    expect(sent).toEqual(["end"]);
  });

  test("with an error that names no command fails the oldest", async () => {
    const { client, say } = listen();
    say(GREETING + NEGOTIATED);
    const command = client.execute("query-block");
    say('{"error": {"class": "GenericError", "desc": "JSON parse error, stray \'x\'"}}');
    await expect(command).rejects.toMatchObject({ class: "GenericError" });
  });
});

/** The ids of the commands that were sent after the negotiation. */
function sentIds(sent: readonly string[]): unknown[] {
  return sent.slice(1).map((line) => (JSON.parse(line) as { id: unknown }).id);
}

describe("a command that is aborted", () => {
  test("before it is sent is not sent", async () => {
    const { client, sent, say } = listen();
    const abort = new AbortController();
    const command = client.execute("quit", {}, { signal: abort.signal });
    const other = client.execute("query-block");
    abort.abort(new Error("no longer"));
    await expect(command).rejects.toThrow("no longer");
    say(GREETING + NEGOTIATED);
    expect(sentIds(sent)).toEqual([2]);
    say('{"return": [], "id": 2}');
    expect([await other, client.pending]).toEqual([[], 0]);
  });

  test("after it was sent is given up, and its reply is nobody else's", async () => {
    const { client, say } = listen();
    say(GREETING + NEGOTIATED);
    const abort = new AbortController();
    const command = client.execute("query-block", {}, { signal: abort.signal });
    const other = client.execute("query-version");
    abort.abort(new Error("too slow"));
    await expect(command).rejects.toThrow("too slow");
    say('{"return": [], "id": 1}{"return": {"package": "x"}, "id": 2}');
    expect(await other).toEqual({ package: "x" });
    await expect(client.execute("quit", {}, { signal: abort.signal })).rejects.toThrow("too slow");
  });

  test("leaves no listener at its signal", async () => {
    const { client, say } = listen();
    say(GREETING + NEGOTIATED);
    let listeners = 0;
    const signal = {
      aborted: false,
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    };
    const command = client.execute("query-block", {}, { signal });
    const events = client.events({ signal });
    expect(listeners).toBe(2);
    say('{"return": [], "id": 1}');
    await command;
    await events.return?.();
    expect(listeners).toBe(0);
  });
});

describe("an iterator", () => {
  const deleted = (id: string): string =>
    `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "BLOCK_EXPORT_DELETED", "data": {"id": "${id}"}}`;

  test("that is aborted tells whoever waits, or else who asks next, and lets go of what it had", async () => {
    const { client, say } = listen();
    say(GREETING + NEGOTIATED);
    const abort = new AbortController();
    const [waiting, later] = [client.events({ signal: abort.signal }), client.events({ signal: abort.signal })];
    const next = waiting.next();
    say(deleted("a"));
    expect((await next).value).toMatchObject({ data: { id: "a" } });
    const second = waiting.next();
    abort.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    await expect(later.next()).rejects.toThrow("enough");
    expect(await later.next()).toEqual({ value: undefined, done: true });
    await expect(client.events({ signal: abort.signal }).next()).rejects.toThrow("enough");
  });

  test("of some names gets these, typed", async () => {
    const { client, say } = listen();
    say(GREETING + NEGOTIATED);
    const events = client.events({ names: ["BLOCK_EXPORT_DELETED"] });
    say('{"event": "BLOCK_IO_HANG", "data": {"set": true}}');
    say(deleted("a"));
    for await (const event of events) {
      expectTypeOf(event.data).toEqualTypeOf<{ id: string }>();
      expect(event).toEqual({
        event: "BLOCK_EXPORT_DELETED",
        data: { id: "a" },
        timestamp: { seconds: 1, microseconds: 2 },
      });
      break;
    }
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });
});

describe("out of band", () => {
  const oob = "rehandle-retry-now";

  test("a command overtakes those that wait, of which only so many are sent that the server goes on reading", async () => {
    const { client, sent, say } = listen({ oob: true });
    say(GREETING);
    expect(JSON.parse(sent[0] ?? "")).toMatchObject({ arguments: { enable: ["oob"] } });
    say(NEGOTIATED);
    for (let i = 0; i < 10; i++) client.execute("query-block").catch(() => {});
    const retried = client.executeOob(oob, { "node-name": "a" });
    expect(sentIds(sent)).toEqual([1, 2, 3, 4, 5, 6, 7, 11]);
    expect(JSON.parse(sent.at(-1) ?? "")).toEqual({ "exec-oob": oob, arguments: { "node-name": "a" }, id: 11 });
    say('{"return": {}, "id": 11}');
    expect(await retried).toEqual({});
    say('{"return": {}, "id": 1}');
    expect(sentIds(sent)).toEqual([1, 2, 3, 4, 5, 6, 7, 11, 8]);
  });

  test.each([
    ["the server does not offer it", { oob: true }, GREETING.replace('["oob"]', "[]")],
    ["the client did not ask for it", {}, GREETING],
  ])("fails if %s", async (_name, options, greeting) => {
    const { client, sent, say } = listen(options);
    const command = client.executeOob(oob, { "node-name": "a" });
    say(greeting + NEGOTIATED);
    await expect(command).rejects.toMatchObject({ class: "GenericError", desc: "Capability oob not available" });
    expect(sent).toHaveLength(1);
  });
});

describe("bounds", () => {
  test("of commands that wait", async () => {
    const { client } = listen({ maxPending: 3 });
    const commands = [1, 2, 3].map(() => client.execute("query-block").catch((error: QmpError) => error.class));
    await expect(client.execute("query-block")).rejects.toMatchObject({ class: "TooManyCommands" });
    client.closed("gone");
    expect(await Promise.all(commands)).toEqual(Array(3).fill("ConnectionClosed"));
  });

  test("of what is sent to a server that does not read", async () => {
    let pending = 0;
    const sent: string[] = [];
    const client = createQmpClient<RehandleSchema>({
      write: (bytes) => void sent.push(String.fromCharCode(...bytes)),
      end: () => {},
      pendingBytes: () => pending,
    });
    client.receive(encodeUtf8(GREETING + NEGOTIATED));
    pending = 2 ** 20;
    const command = client.execute("query-block");
    expect(sent).toHaveLength(1);
    pending = 0;
    client.drained();
    expect(sentIds(sent)).toEqual([1]);
    client.receive(encodeUtf8('{"return": [], "id": 1}'));
    expect(await command).toEqual([]);
  });

  test("of what a server says in one message", async () => {
    const { client, sent, say } = listen({ limits: { bytes: 1000 } });
    say(GREETING + NEGOTIATED);
    const command = client.execute("query-block");
    say(`{"return": "${"x".repeat(2000)}`);
    await expect(command).rejects.toMatchObject({ class: "ProtocolError", desc: "JSON token size limit exceeded" });
    expect(sent.at(-1)).toBe("end");
  });
});

describe("with a schema", () => {
  test("what a newer server adds is left out, and what contradicts is refused", async () => {
    const { client, say } = listen({ schema: rehandleSchema });
    say(GREETING + NEGOTIATED);
    const events = client.events();
    const commands = [
      client.execute("query-version"),
      client.execute("query-version").catch((error: unknown) => error),
    ];
    const qemu = '"qemu": {"major": 99, "minor": 0, "micro": 0, "nano": 1}';
    say(`{"return": {${qemu}, "package": "", "colour": "red"}, "id": 1}{"return": {"package": 5}, "id": 2}`);
    say('{"event": "TOMORROW", "data": {}}{"event": "SHUTDOWN", "data": {"guest": 5}}');
    say('{"event": "SHUTDOWN", "data": {"guest": false, "reason": "tomorrows-reason", "more": 1}}');
    expect(await Promise.all(commands)).toEqual([
      { qemu: { major: 99, minor: 0, micro: 0 }, package: "" },
      expect.objectContaining({ class: "ProtocolError", desc: expect.stringContaining("result of query-version") }),
    ]);
    expect((await events.next()).value).toEqual({
      event: "SHUTDOWN",
      data: { guest: false, reason: "tomorrows-reason" },
      timestamp: { seconds: -1, microseconds: -1 },
    });
    expect(client.strayEvents).toBe(2);
  });
});

describe("a server that misbehaves", () => {
  test.each([
    ["greets twice", GREETING + NEGOTIATED + GREETING],
    ["greets twice before the negotiation", GREETING + GREETING],
    ["greets with nonsense", '{"QMP": {"version": 5}}'],
    ["does not greet", '{"return": {}}'],
  ])("%s", async (_name, text) => {
    const { client, sent, say } = listen();
    const command = client.execute("query-block");
    say(text);
    await expect(command).rejects.toMatchObject({ class: "ProtocolError" });
    expect(sent.at(-1)).toBe("end");
  });

  test("cannot pretend that the connection is gone", async () => {
    const { client, say } = listen();
    say(GREETING + NEGOTIATED);
    const command = client.execute("query-block");
    say('{"error": {"class": "ConnectionClosed", "desc": "x"}, "id": 1}');
    await expect(command).rejects.toMatchObject({ class: "GenericError" });
  });

  test("and replies to nobody is not listened to", () => {
    const { client, sent, say } = listen();
    say(
      `${GREETING}${NEGOTIATED}{"return": {}, "id": 5}{"return": {}}{"error": {"class": "GenericError", "desc": ""}}`,
    );
    expect([client.pending, sent.length]).toEqual([0, 1]);
  });
});
