import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DAEMON_COMMAND } from "./testing/daemon-process.ts";
import { inSandbox } from "./testing/in-sandbox.ts";
import { connectMonitor } from "./testing/monitor-client.ts";
import { havePrograms, mustRun } from "./testing/programs.ts";
import { untilAccepts, type Process, type Sandbox } from "./testing/sandbox.ts";

/** Command lines of qemu-storage-daemon(1), EXAMPLES, word by word behind the program's name. */
const MONITOR = "--chardev socket,path=qmp.sock,server=on,wait=off,id=char1 --monitor chardev=char1";
const NBD_EXPORT =
  "--blockdev driver=file,node-name=disk,filename=disk.img --nbd-server addr.type=unix,addr.path=nbd.sock " +
  "--export type=nbd,id=export,node-name=disk,writable=on";

/** Ours, and the original to compare with. */
const daemons = [
  { name: "rehandle-storage-daemon", program: process.execPath, words: DAEMON_COMMAND },
  { name: "qemu-storage-daemon", program: "qemu-storage-daemon", words: [] },
] as const;

function start(sandbox: Sandbox, daemon: (typeof daemons)[number], line: string): Process {
  return sandbox.start(daemon.program, [...daemon.words, ...line.split(" ")]);
}

async function expectEnd(process: Process): Promise<void> {
  process.signal("SIGTERM");
  expect(await process.ended, process.stderr).toBe(0);
}

const available = havePrograms("qemu-storage-daemon", "nbdinfo", "qemu-io");

describe.skipIf(!available).each(daemons)("command lines of the manual, with $name", (daemon) => {
  test("a QMP monitor", () =>
    inSandbox(async (sandbox) => {
      const process = start(sandbox, daemon, MONITOR);
      await untilAccepts(sandbox.path("qmp.sock"));
      const monitor = await connectMonitor(sandbox.path("qmp.sock"));
      expect((await monitor.execute("query-version")).qemu).toMatchObject({ major: 7, minor: 2 });
      expect(await monitor.execute("query-block-exports")).toEqual([]);
      await monitor.execute("quit");
      expect(await process.ended, process.stderr).toBe(0);
    }));

  test("a raw image over NBD", () =>
    inSandbox(async (sandbox) => {
      writeFileSync(sandbox.path("disk.img"), "");
      truncateSync(sandbox.path("disk.img"), 1024 * 1024);
      const process = start(sandbox, daemon, NBD_EXPORT);
      const socket = sandbox.path("nbd.sock");
      await untilAccepts(socket);
      const uri = `nbd+unix:///disk?socket=${socket}`;
      expect((await mustRun("nbdinfo", ["--size", uri])).trim()).toBe("1048576");
      expect(await mustRun("nbdinfo", ["--is", "read-only", uri]).catch(() => "writable")).toBe("writable");
      await mustRun("qemu-io", ["-f", "raw", "-c", "write -P 9 0 64k", "-c", "read -P 9 0 64k", uri]);
      await expectEnd(process);
    }));

  test("both at once, and sockets that an earlier process left are no hindrance", () =>
    inSandbox(async (sandbox) => {
      writeFileSync(sandbox.path("disk.img"), Buffer.alloc(65536));
      for (const name of ["qmp.sock", "nbd.sock"]) await leaveSocket(sandbox.path(name));
      const process = start(sandbox, daemon, `${NBD_EXPORT} ${MONITOR}`);
      await untilAccepts(sandbox.path("qmp.sock"));
      const monitor = await connectMonitor(sandbox.path("qmp.sock"));
      expect(await monitor.execute("query-block-exports")).toEqual([
        { id: "export", type: "nbd", "node-name": "disk", "shutting-down": false },
      ]);
      const [node] = await monitor.execute("query-named-block-nodes", {});
      expect(node).toMatchObject({ "node-name": "disk", drv: "file", ro: false, file: "disk.img" });
      const last = lastWords(sandbox.path("qmp.sock"));
      // The original serves one client at a time.
      monitor.end();
      const words = await last;
      expect(words.indexOf("BLOCK_EXPORT_DELETED")).toBeGreaterThan(0);
      expect(words.lastIndexOf('"return"')).toBeGreaterThan(words.indexOf("BLOCK_EXPORT_DELETED"));
      expect(await process.ended, process.stderr).toBe(0);
    }));
});

const canScript = havePrograms("qemu-storage-daemon", "python3", "socat", "nbdinfo", "qemu-io");

describe.skipIf(!canScript).each(daemons)("scripts of an operator, with $name", (daemon) => {
  test("in Python", () =>
    inSandbox(async (sandbox) => {
      sandbox.file("disk.img", 1024 * 1024);
      const process = start(sandbox, daemon, MONITOR);
      await untilAccepts(sandbox.path("qmp.sock"));
      const script = fileURLToPath(new URL("testing/disk.py", import.meta.url));
      const python = (...args: string[]): Promise<string> =>
        mustRun("python3", [script, ...args], { cwd: sandbox.folder });
      expect(await python("attach", "qmp.sock", "disk.img", "nbd.sock")).toBe("attached export0\n");
      const uri = `nbd+unix:///disk?socket=${sandbox.path("nbd.sock")}`;
      await mustRun("qemu-io", ["-f", "raw", "-c", "write -P 7 0 64k", uri]);
      expect(await python("detach", "qmp.sock")).toBe(
        "not yet: Node disk is in use\nevents BLOCK_EXPORT_DELETED\ndetached 0\n",
      );
      expect(
        readFileSync(sandbox.path("disk.img"))
          .subarray(0, 65536)
          .every((byte) => byte === 7),
      ).toBe(true);
      await expectEnd(process);
    }));

  test("in the shell, by socat", () =>
    inSandbox(async (sandbox) => {
      sandbox.file("disk.img", 1024 * 1024);
      const process = start(sandbox, daemon, MONITOR);
      await untilAccepts(sandbox.path("qmp.sock"));
      const answers = await mustRun("sh", ["-c", SHELL_SCRIPT], { cwd: sandbox.folder });
      expect(answers.split("\n").filter((line) => line.includes('"return"'))).toHaveLength(4);
      expect(await mustRun("nbdinfo", ["--size", `nbd+unix:///disk?socket=${sandbox.path("nbd.sock")}`])).toBe(
        "1048576\n",
      );
      await expectEnd(process);
    }));
});

/** The end of the input reaches the daemon before the answers are written: they come all the same. */
const SHELL_SCRIPT = `
{
  echo '{"execute":"qmp_capabilities"}'
  echo '{"execute":"blockdev-add","arguments":{"driver":"file","node-name":"disk","filename":"disk.img"}}'
  echo '{"execute":"nbd-server-start","arguments":{"addr":{"type":"unix","data":{"path":"nbd.sock"}}}}'
  echo '{"execute":"block-export-add","arguments":{"type":"nbd","id":"e","node-name":"disk"}}'
} | socat -t 30 - UNIX-CONNECT:qmp.sock
`;

/** What a process that was killed leaves: a socket that nobody listens on. */
async function leaveSocket(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await mustRun(process.execPath, ["-e", script]).catch(() => undefined);
}

/** All that a monitor sends until it closes, if it is told to quit. */
function lastWords(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path, () => socket.write('{"execute":"qmp_capabilities"}{"execute":"quit"}'));
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("error", reject).on("close", () => resolve(text));
  });
}
