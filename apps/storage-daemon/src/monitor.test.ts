import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDaemonProcess, type DaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped } from "./testing/in-sandbox.ts";
import { connectMonitor, hangEvents } from "./testing/monitor-client.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { clock, pause, until } from "./testing/time.ts";
import { Sandbox } from "./testing/sandbox.ts";

const MIB = 1024 * 1024;

let sandbox: Sandbox;
let daemon: DaemonProcess;

beforeAll(async () => {
  sandbox = new Sandbox();
  const file = sandbox.file("disk.img", MIB);
  daemon = await startDaemonProcess(sandbox, [
    "--drive",
    `file=${file},format=raw,id=d0,iohang-timeout=60,rerror=stop`,
    "--blockdev",
    "memory,node-name=m0,size=64k",
    "--blockdev",
    "rehandle,node-name=r1,file=m0",
    "--export",
    "nbd,id=e0,node-name=d0,writable=on",
    "--export",
    "nbd,id=e1,node-name=r1,name=second",
  ]);
}, 60_000);

afterAll(async () => {
  await expectStopped(daemon);
  await sandbox.remove();
});

describe("what a monitor is told", () => {
  test("the schema's commands are all there", async () => {
    const names = (await daemon.monitor.execute("query-commands")).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        "query-version",
        "query-commands",
        "query-qmp-schema",
        "query-block",
        "query-named-block-nodes",
        "query-block-exports",
        "query-rehandle",
        "query-rehandle-requests",
        "query-rehandle-statistics",
        "rehandle-pause",
        "rehandle-resume",
        "rehandle-retry-now",
        "rehandle-drain",
        "rehandle-fail",
        "rehandle-extend",
        "quit",
      ]),
    );
  });

  test("drives, nodes and exports", async () => {
    const { monitor } = daemon;
    const file = sandbox.path("disk.img");
    expect(await monitor.execute("query-block")).toMatchObject([
      { device: "d0", "io-status": "ok", inserted: { "node-name": "d0", drv: "rehandle", file, ro: false } },
    ]);
    const nodes = await monitor.execute("query-named-block-nodes");
    expect(nodes.map((node) => node.drv)).toEqual(["rehandle", "memory", "rehandle", "raw", "file"]);
    expect(nodes[4]).toMatchObject({ image: { filename: file, "virtual-size": MIB } });
    expect(nodes[4]?.["node-name"]).toMatch(/^#block\d+$/);
    expect(await monitor.execute("query-block-exports")).toMatchObject([{ id: "e1", "node-name": "r1" }, { id: "e0" }]);
    expect(await monitor.execute("query-rehandle")).toMatchObject([
      { device: "d0", "node-name": "d0", enabled: true, status: "normal", "iohang-timeout": 60, held: 0 },
      { device: "", "node-name": "r1", enabled: true, status: "normal" },
    ]);
    expect(await monitor.execute("query-rehandle", { "node-name": "r1" })).toHaveLength(1);
    await expect(monitor.execute("query-rehandle", { "node-name": "m0" })).rejects.toMatchObject({
      class: "GenericError",
      desc: "Failed to find rehandle node with node-name='m0'",
    });
  });

  test("pause holds everything without a hang, resume lets it go, drain comes back", async () => {
    const { monitor } = daemon;
    const client = await connectClient(sandbox, daemon.socket, "d0");
    await monitor.execute("rehandle-pause", { "node-name": "d0" });
    let done = false;
    const write = timed(client.write(0, new Uint8Array(512).fill(9))).finally(() => (done = true));
    await until("the write to wait", async () => {
      const [statistics] = await monitor.execute("query-rehandle-statistics", { "node-name": "d0" });
      return statistics?.["queued-now"] === 1;
    });
    expect(await monitor.execute("query-rehandle", { "node-name": "d0" })).toMatchObject([{ paused: true }]);
    await pause(50);
    expect(done).toBe(false);
    await monitor.execute("rehandle-resume", { "node-name": "d0" });
    expect((await write).code).toBe(null);
    expect(await monitor.execute("rehandle-drain", { "node-name": "d0" })).toEqual({ completed: 0, failed: 0 });
    await monitor.execute("rehandle-retry-now", { "node-name": "d0" });
    expect((await client.read(0, 512)).every((byte) => byte === 9)).toBe(true);
    expect(hangEvents(monitor)).toEqual([]);
  });
});

describe("a monitor that misbehaves ends alone", () => {
  /** Sends bytes and reads what comes until the connection ends or `enough` is seen. */
  async function converse(bytes: string | Buffer, enough: string): Promise<string> {
    const socket: Socket = connect(sandbox.path("daemon-qmp.sock"));
    let answer = "";
    let over = false;
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("error", () => (over = true)).on("close", () => (over = true));
    socket.write(bytes);
    await until("an answer", () => over || answer.includes(enough));
    socket.destroy();
    return answer;
  }

  const negotiate = '{"execute":"qmp_capabilities"}';

  test.each<[string, string | Buffer, string]>([
    ["garbage", `${negotiate}\u0001}{][`, "JSON parse error"],
    [
      "bytes that are no UTF-8",
      Buffer.concat([Buffer.from(negotiate), Buffer.from([0xff, 0xfe, 0x80, 0x0a])]),
      "JSON parse error",
    ],
    ["a command that is not there", `${negotiate}{"execute":"__proto__"}`, "The command __proto__ has not been found"],
    ["commands before the negotiation", '{"execute":"query-block"}', "Expecting capabilities negotiation"],
    ["wrong arguments", `${negotiate}{"execute":"rehandle-pause","arguments":{"node-name":7}}`, "expected: string"],
    [
      "unknown arguments",
      `${negotiate}{"execute":"query-rehandle","arguments":{"x":1}}`,
      "Parameter 'x' is unexpected",
    ],
    [
      "a number too large",
      `${negotiate}{"execute":"rehandle-fail","arguments":{"node-name":"d0","id":1e400}}`,
      "error",
    ],
    ["a million brackets", negotiate + "[".repeat(1_000_000), "nesting"],
    [
      "a name without end",
      `${negotiate}{"execute":"query-rehandle","arguments":{"node-name":"${"x".repeat(MIB)}"}}`,
      "Failed to find",
    ],
    [
      "a name beyond all bounds",
      `${negotiate}{"execute":"query-rehandle","arguments":{"node-name":"${"x".repeat(5 * MIB)}"}}`,
      "JSON token size limit exceeded",
    ],
  ])("%s", async (_name, bytes, expected) => {
    expect(await converse(bytes, expected)).toContain(expected);
  });

  test("one that asks much and reads nothing is dropped, and the others do not wait", async () => {
    const socket = connect(sandbox.path("daemon-qmp.sock"));
    let over = false;
    socket.on("error", () => (over = true)).on("close", () => (over = true));
    socket.pause();
    socket.write(negotiate);
    const flood = '{"execute":"query-named-block-nodes"}'.repeat(10_000);
    for (let i = 0; i < 20 && !over; i += 1) {
      await new Promise<void>((resolve) => {
        socket.write(flood, () => resolve());
        clock.setTimer(100, resolve);
      });
    }
    const other = await connectMonitor(sandbox.path("daemon-qmp.sock"));
    expect((await other.execute("query-version")).qemu.major).toBe(7);
    other.end();
    socket.destroy();
  });

  test("connections that come and go", async () => {
    for (let i = 0; i < 200; i += 1)
      connect(sandbox.path("daemon-qmp.sock"))
        .on("error", () => undefined)
        .destroy();
    for (let i = 0; i < 100; i += 1) {
      const socket = connect(sandbox.path("daemon-qmp.sock")).on("error", () => undefined);
      socket.write(negotiate, () => socket.destroy());
    }
    const monitor = await until("a monitor", () => connectMonitor(sandbox.path("daemon-qmp.sock")).catch(() => null));
    expect(await monitor.execute("query-rehandle")).toHaveLength(2);
    monitor.end();
  });

  test("and the daemon still serves", async () => {
    expect(await daemon.monitor.execute("query-block-exports")).toHaveLength(2);
    expect(daemon.process.isOver).toBe(false);
  });
});
