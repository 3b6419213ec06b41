import { connect, createServer } from "node:net";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { startDaemon } from "./index.ts";
import { DAEMON_COMMAND } from "./testing/daemon-process.ts";
import { inSandbox } from "./testing/in-sandbox.ts";
import { connectMonitor } from "./testing/monitor-client.ts";
import { connectClient } from "./testing/nbd-client.ts";
import { freePorts, hasIpv6, reachable } from "./testing/ports.ts";
import { untilAccepts } from "./testing/sandbox.ts";
import { until } from "./testing/time.ts";

const GOODBYE = '{"execute":"qmp_capabilities"}{"execute":"quit"}';

test("a monitor on standard input and output", async () => {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  let text = "";
  stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const daemon = startDaemon("--chardev stdio,id=c --monitor c".split(" "), {
    stdin,
    stdout,
    stderr: new PassThrough(),
  });
  expect(await daemon.started).toBe(true);
  stdin.write(GOODBYE);
  expect(await daemon.exited).toBe(0);
  expect(text).toContain('{"QMP": ');
  expect(text).toContain("SHUTDOWN");
});

test("a monitor that the daemon connects to", () =>
  inSandbox(async (sandbox) => {
    const path = sandbox.path("listening.sock");
    let text = "";
    const server = createServer((socket) => {
      socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      socket.write(GOODBYE);
    });
    await new Promise<void>((resolve) => void server.listen(path, resolve));
    sandbox.atEnd(() => void server.close());
    const options = ["--chardev", `socket,id=c,path=${path}`, "--monitor", "c"];
    const daemon = startDaemon(options, { stderr: new PassThrough() });
    expect(await daemon.exited).toBe(0);
    await until("the last words", () => text.includes("SHUTDOWN"));
  }));

test("wait=on: the start goes on with the first client, and a stop does not wait for one", () =>
  inSandbox(async (sandbox) => {
    const path = sandbox.path("waiting.sock");
    const options = ["--chardev", `socket,id=c,path=${path},server=on`, "--monitor", "c"];
    const waiting = startDaemon(options, { stderr: new PassThrough() });
    const first = await until("the socket", () => connected(path));
    expect(await waiting.started).toBe(true);
    first.destroy();
    waiting.stop("host-signal");
    expect(await waiting.exited).toBe(0);

    const lonely = startDaemon(options, { stderr: new PassThrough() });
    lonely.stop("host-signal");
    expect(await lonely.exited).toBe(0);
    expect(await lonely.started).toBe(false);
  }));

test("a monitor on the first free port, of one family or of both", async () => {
  const ports = await freePorts(3);
  const [first = 0, , last = 0] = ports;
  const taken = createServer();
  await new Promise<void>((resolve) => void taken.listen({ host: "127.0.0.1", port: first }, resolve));
  const found: string[][] = [];
  for (const more of [`,to=${last}`, `,to=${last},ipv4=on`]) {
    const chardev = `socket,id=c,host=,port=${first},server=on,wait=off${more}`;
    const daemon = startDaemon(["--chardev", chardev, "--monitor", "c"], { stderr: new PassThrough() });
    expect(await daemon.started).toBe(true);
    found.push((await reachable(ports)).filter((place) => place !== `127.0.0.1 ${first}`));
    daemon.stop("host-signal");
    await daemon.exited;
  }
  taken.close();
  const ipv4 = `127.0.0.1 ${first + 1}`;
  expect(found).toEqual([hasIpv6() ? [ipv4, `::1 ${first}`] : [ipv4], [ipv4]]);
});

test("wait=on over TCP: the notice names the port", async () => {
  const stderr = new PassThrough();
  let text = "";
  stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const daemon = startDaemon(["--chardev", "socket,id=c,host=127.0.0.1,port=0,server=on"], { stderr });
  await until("the notice", () => /disconnected:tcp:127\.0\.0\.1:[1-9]\d*,server=on\n/.test(text));
  daemon.stop("host-signal");
  expect(await daemon.exited).toBe(0);
});

/** Listens on two unix sockets, the first words, as descriptors 3 and 4, and becomes the program of the other words. */
const LISTEN_AND_EXEC = `
  $^F = 255;
  for (1, 2) {
    my $socket;
    socket($socket, PF_UNIX, SOCK_STREAM, 0) && bind($socket, sockaddr_un(shift)) && listen($socket, 8) or die;
    push @kept, $socket;
  }
  exec @ARGV or die;
`;

test("a stop ends the waiting for storage that is not there", async () => {
  const storage = "nbd,node-name=n,server.type=unix,server.path=/nonexistent.sock,open-timeout=600";
  const daemon = startDaemon(["--blockdev", storage], { stderr: new PassThrough() });
  daemon.stop("host-signal");
  expect(await daemon.exited).toBe(0);
  expect(await daemon.started).toBe(false);
});

test(
  "sockets that a parent listens on, as the manual shows it",
  () =>
    inSandbox(async (sandbox) => {
      const [qmp, nbd] = [sandbox.path("qmp.sock"), sandbox.path("nbd.sock")] as const;
      const process = sandbox.start("perl", [
        "-MSocket",
        "-e",
        LISTEN_AND_EXEC,
        qmp,
        nbd,
        globalThis.process.execPath,
        ...DAEMON_COMMAND,
        "--chardev",
        "socket,fd=3,server=on,id=char1",
        "--monitor",
        "chardev=char1",
        "--blockdev",
        "memory,node-name=disk,size=64k",
        "--nbd-server",
        "addr.type=fd,addr.str=4",
        "--export",
        "nbd,id=e,node-name=disk",
      ]);
      await untilAccepts(qmp);
      const monitor = await connectMonitor(qmp);
      await until("the export", async () => (await monitor.execute("query-block-exports")).length > 0);
      const client = await connectClient(sandbox, nbd, "disk");
      expect(client.driver.capabilities).toMatchObject({ size: 65536, readOnly: true });
      await monitor.execute("quit");
      expect(await process.ended, process.stderr).toBe(0);
    }),
  60_000,
);

function connected(path: string): Promise<ReturnType<typeof connect> | null> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.on("error", () => resolve(null));
  });
}
