import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { QmpClient } from "./qmp-client.ts";
import { createQmpServer, type QmpServer } from "./qmp-server.ts";
import { rehandleSchema, type RehandleSchema } from "./generated/schema.ts";
import { openQmpClient, serveQmp } from "./qmp-stream.ts";

function open(path: string): QmpClient<RehandleSchema> {
  return openQmpClient<RehandleSchema>(connect(path));
}

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "qmp-"));
  path = join(folder, "qmp.sock");
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("over a unix socket", () => {
  const version = { major: 7, minor: 2, micro: 0 };
  const clock = { realtime: (): number => 0 };
  let server: QmpServer<RehandleSchema>;
  let listener: Server;

  beforeEach(async () => {
    server = createQmpServer({
      schema: rehandleSchema,
      version,
      clock,
      commands: {
        "query-block": () => [{ device: "d".repeat(1000), type: "unknown", removable: false, locked: false }],
        quit: () => server.emit("SHUTDOWN", { guest: false, reason: "host-qmp-quit" }),
      },
    });
    listener = createServer((socket) => void serveQmp(server, socket)).listen(path);
    await once(listener, "listening");
  });

  afterEach(() => {
    server.close();
    listener.close();
  });

  test("several clients at once get their replies, and all get the events", async () => {
    const clients = [open(path), open(path)];
    await Promise.all(clients.map((client) => client.ready));
    const events = clients.map((client) => client.events());
    const replies = await Promise.all(clients.map((client) => client.execute("query-version")));
    expect(replies).toEqual(clients.map(() => ({ qemu: version, package: "" })));
    await clients[0]?.execute("quit");
    for (const queue of events) expect((await queue.next()).value).toMatchObject({ event: "SHUTDOWN" });
    for (const client of clients) client.end();
  });

  test("thousands of pipelined commands are all answered, though their replies are larger than the bound", async () => {
    const client = open(path);
    await client.ready;
    const replies = await Promise.all(Array.from({ length: 2000 }, () => client.execute("query-block")));
    expect(replies.flat()).toHaveLength(2000);
    client.end();
  });

  test("a client that stops reading is dropped and holds nobody up", async () => {
    const socket = connect(path);
    socket.write('{"execute":"qmp_capabilities"}');
    await once(socket, "data");
    socket.pause();
    const client = open(path);
    await client.ready;
    const reason = "x".repeat(50_000);
    for (let i = 0; i < 1000 && server.sessions > 1; i++) {
      server.emit("BLOCK_IO_HANG", { set: true, reason });
      await client.execute("query-version");
    }
    expect(server.sessions).toBe(1);
    socket.destroy();
    client.end();
  });
});
