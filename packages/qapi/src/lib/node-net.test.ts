import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasStorageDaemon, STORAGE_DAEMON } from "../testing/qemu-monitor.ts";
import type { qemuSchema } from "../testing/qemu-schema.ts";
import { createQmpClient, type QmpClient } from "./qmp-client.ts";
import { createQmpServer, type QmpServer } from "./qmp-server.ts";
import { rehandleSchema, type RehandleSchema } from "./generated/schema.ts";
import type { Schema } from "./schema.ts";

/** The wiring that the README shows. */
function serve(server: QmpServer<RehandleSchema>): Server {
  return createServer((socket) => {
    const session = server.attach({
      write: (bytes) => void socket.write(bytes),
      pendingBytes: () => socket.writableLength,
      end: () => void socket.end(),
      destroy: () => void socket.destroy(),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
    });
    socket.on("data", (bytes) => session.receive(bytes));
    socket.on("drain", () => session.drained());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => session.closed());
  });
}

function open<S extends Schema>(path: string): { client: QmpClient<S>; socket: Socket } {
  const socket = connect(path);
  const client = createQmpClient<S>({ write: (bytes) => void socket.write(bytes), end: () => void socket.end() });
  socket.on("data", (bytes) => client.receive(bytes));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => client.closed());
  return { client, socket };
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
    listener = serve(server).listen(path);
    await once(listener, "listening");
  });

  afterEach(() => {
    server.close();
    listener.close();
  });

  test("several clients at once get their replies, and all get the events", async () => {
    const clients = [open<RehandleSchema>(path).client, open<RehandleSchema>(path).client];
    await Promise.all(clients.map((client) => client.ready));
    const events = clients.map((client) => client.events());
    const replies = await Promise.all(clients.map((client) => client.execute("query-version")));
    expect(replies).toEqual(clients.map(() => ({ qemu: version, package: "" })));
    await clients[0]?.execute("quit");
    for (const queue of events) expect((await queue.next()).value).toMatchObject({ event: "SHUTDOWN" });
    for (const client of clients) client.end();
  });

  test("thousands of pipelined commands are all answered, though their replies are larger than the bound", async () => {
    const { client } = open<RehandleSchema>(path);
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
    const { client } = open<RehandleSchema>(path);
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

describe.runIf(hasStorageDaemon())("the client against qemu-storage-daemon", () => {
  let daemon: ChildProcess;

  beforeEach(async () => {
    const chardev = `socket,id=c,path=${path},server=on,wait=off`;
    daemon = spawn(STORAGE_DAEMON, ["--chardev", chardev, "--monitor", "chardev=c", "--pidfile", `${path}.pid`], {
      stdio: "inherit",
    });
    for (let tries = 0; tries < 1000; tries++) {
      const probe = connect(path);
      const isThere = await new Promise<boolean>((resolve) => {
        probe.on("connect", () => resolve(true)).on("error", () => resolve(false));
      });
      probe.destroy();
      if (isThere) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${STORAGE_DAEMON} does not listen`);
  });

  afterEach(() => void daemon.kill("SIGKILL"));

  test("negotiates, executes, and is told of errors and of the end", async () => {
    const { client } = open<typeof qemuSchema>(path);
    expect((await client.ready).version.qemu.major).toBeGreaterThanOrEqual(7);
    expect((await client.execute("query-version")).qemu.major).toBeGreaterThanOrEqual(7);
    await client.execute("blockdev-add", { driver: "null-co", "node-name": "a", size: 2n ** 40n });
    expect(await client.execute("query-named-block-nodes")).toMatchObject([{ "node-name": "a" }]);
    await expect(client.execute("block-export-del", { id: "x" })).rejects.toMatchObject({
      class: "GenericError",
      desc: "Export 'x' is not found",
    });
    await client.execute("quit");
    await expect(client.execute("query-version")).rejects.toMatchObject({ class: "ConnectionClosed" });
  });
});
