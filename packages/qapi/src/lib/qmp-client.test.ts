import { encodeUtf8 } from "@rehandle/json";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createQmpClient, type QmpClient } from "./qmp-client.ts";
import { isQmpError, QmpError } from "./qmp-error.ts";
import { createQmpServer, type QmpHandlers, type QmpServer } from "./qmp-server.ts";
import { rehandleSchema, type RehandleSchema } from "./generated/schema.ts";
import type { RehandleInfo } from "./generated/types.ts";

const GREETING = '{"QMP":{"version":{"qemu":{"micro":0,"minor":2,"major":7},"package":""},"capabilities":[]}}';

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

/** A client that a test feeds by hand. */
function listen(): { client: QmpClient<RehandleSchema>; sent: string[]; say: (text: string) => void } {
  const sent: string[] = [];
  const client = createQmpClient<RehandleSchema>({
    write: (bytes) => void sent.push(String.fromCharCode(...bytes)),
    end: () => void sent.push("end"),
  });
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
    client.closed();
    client.closed();
    await expect(command).rejects.toMatchObject({ class: "ConnectionClosed" });
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
    say(`${GREETING}{"return": {}, "id": "rehandle-negotiation"}`);
    const command = client.execute("query-block");
    say('{"error": {"class": "GenericError", "desc": "JSON parse error, stray \'x\'"}}');
    await expect(command).rejects.toMatchObject({ class: "GenericError" });
  });
});
