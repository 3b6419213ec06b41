import { createSystemClock } from "@rehandle/driver-sdk";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasQemu, hasStorageDaemon, QEMU, STORAGE_DAEMON } from "../testing/qemu-monitor.ts";
import type { QmpError } from "./qmp-error.ts";
import { connectQmp } from "./qmp-link.ts";
import { openQmpClient } from "./qmp-stream.ts";

/** What these tests use of QEMU's schema. */
const schema = {
  types: {
    Status: { struct: { running: "bool", status: "str" } },
    Triple: { struct: { major: "int", minor: "int", micro: "int" } },
    Version: { struct: { qemu: "Triple", package: "str" } },
  },
  commands: {
    "query-version": { returns: "Version" },
    "query-status": { returns: "Status" },
    "query-block-jobs": { returns: ["any"] },
    "query-yank": { returns: ["any"], "allow-oob": true },
    "blockdev-add": { data: { driver: "str", "node-name": "str", size: "int" } },
    "block-export-add": { data: { type: "str", id: "str", "node-name": "str" } },
    "block-export-del": { data: { id: "str" } },
    "nbd-server-start": { data: { addr: "any" } },
    stop: {},
    cont: {},
    quit: {},
  },
  events: {
    STOP: {},
    RESUME: {},
    SHUTDOWN: { data: { guest: "bool", reason: "str" } },
    BLOCK_EXPORT_DELETED: { data: { id: "str" } },
  },
} as const;

type PeerSchema = typeof schema;
type Child = ChildProcessByStdio<Writable, Readable, null>;

const clock = createSystemClock();
const children: Child[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "qmp-peer-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  rmSync(folder, { recursive: true });
});

function start(program: string, args: readonly string[]): Child {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return child;
}

const MACHINE = ["-machine", "none", "-display", "none", "-nodefaults"];
/** A machine with a processor that never runs: stopped until it is told to go on. */
const STOPPED = ["-machine", "isapc", "-accel", "tcg", "-display", "none", "-nodefaults", "-S"];

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** Each program, with a monitor at a socket of either kind. */
const PROGRAMS = [
  { program: STORAGE_DAEMON, isThere: hasStorageDaemon(), args: ["--monitor", "chardev=c"] },
  { program: QEMU, isThere: hasQemu(), args: [...MACHINE, "-mon", "chardev=c,mode=control"] },
];

describe.each(PROGRAMS)("$program", ({ program, isThere, args }) => {
  test.runIf(isThere)("over standard input and output, to its end", async () => {
    const child = start(program, ["--chardev", "stdio,id=c,signal=off", ...args]);
    const client = openQmpClient<PeerSchema>({ input: child.stdout, output: child.stdin }, { schema, oob: true });
    const greeting = await client.ready;
    expect(greeting.version.qemu.major).toBeGreaterThanOrEqual(7);
    expect(greeting.capabilities).toContain("oob");
    const waiting = Array.from({ length: 20 }, () => client.execute("query-version"));
    // The daemon offers oob, and has no command for it.
    const overtaking = client.executeOob("query-yank").catch((error: QmpError) => error.class);
    expect(await overtaking).toEqual(program === QEMU ? [] : "CommandNotFound");
    for (const version of await Promise.all(waiting)) expect(version).toEqual(greeting.version);
    await expect(client.executeOob("query-version")).rejects.toMatchObject({
      class: "GenericError",
      desc: "The command query-version does not support OOB",
    });
    const events = client.events({ names: ["SHUTDOWN"] });
    expect(await client.execute("quit")).toEqual({});
    if (program === QEMU) expect((await events.next()).value?.data.reason).toBe("host-qmp-quit");
    expect((await events.next()).done).toBe(true);
    await expect(client.execute("query-version")).rejects.toMatchObject({ class: "ConnectionClosed" });
  });

  test.runIf(isThere).each(["unix", "tcp"])("over a %s socket, and again after it was started again", async (kind) => {
    const path = join(folder, "qmp.sock");
    const port = kind === "tcp" ? await freePort() : 0;
    const address = kind === "tcp" ? `host=127.0.0.1,port=${port}` : `path=${path}`;
    const launch = (): Child => start(program, ["--chardev", `socket,id=c,${address},server=on,wait=off`, ...args]);
    const link = connectQmp<PeerSchema>({
      schema,
      clock,
      random: () => 0,
      backoff: { initialMs: 5, maxMs: 20 },
      connect: () => (kind === "tcp" ? connect(port, "127.0.0.1") : connect(path)),
    });
    const first = launch();
    const version = await link.execute("query-version");
    const lost = new Promise<void>((resolve) => {
      link.onStatus(({ state }) => void (state === "waiting" && resolve()));
    });
    first.kill("SIGKILL");
    await lost;
    launch();
    expect(await link.execute("query-version")).toEqual(version);
    await link.execute("quit");
    link.end();
  });
});

test.runIf(hasQemu())("a machine that is stopped and goes on says so before it replies", async () => {
  const child = start(QEMU, [...STOPPED, "-qmp", "stdio"]);
  const client = openQmpClient<PeerSchema>({ input: child.stdout, output: child.stdin }, { schema });
  const log: string[] = [];
  for (const name of ["STOP", "RESUME", "SHUTDOWN"] as const) client.on(name, ({ event }) => void log.push(event));
  const run = async (command: "cont" | "stop" | "quit"): Promise<void> => {
    await client.execute(command);
    log.push(command);
  };
  expect(await client.execute("query-status")).toEqual({ running: false, status: "prelaunch" });
  for (const command of ["cont", "cont", "stop", "stop", "cont", "quit"] as const) await run(command);
  expect(log).toEqual(["RESUME", "cont", "cont", "STOP", "stop", "stop", "RESUME", "cont", "SHUTDOWN", "quit"]);
  expect(client.strayEvents).toBe(0);
});

test.runIf(hasStorageDaemon())("an export's end is an event that comes before the reply", async () => {
  const child = start(STORAGE_DAEMON, ["--chardev", "stdio,id=c,signal=off", "--monitor", "chardev=c"]);
  const client = openQmpClient<PeerSchema>({ input: child.stdout, output: child.stdin });
  const events = client.events({ names: ["BLOCK_EXPORT_DELETED"] });
  await client.execute("blockdev-add", { driver: "null-co", "node-name": "n", size: 2 ** 20 });
  const addr = { type: "unix", data: { path: join(folder, "nbd.sock") } };
  await client.execute("nbd-server-start", { addr });
  await client.execute("block-export-add", { type: "nbd", id: "e", "node-name": "n" });
  const deleted = client.execute("block-export-del", { id: "e" }).then(() => "reply");
  expect(await Promise.race([events.next().then(({ value }) => value?.data.id), deleted])).toBe("e");
  await deleted;
  client.end();
});
