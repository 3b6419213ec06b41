import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Key, PtyShell } from "./testing/pty.ts";
import { haveProgram, inSandbox, until } from "./testing/sandbox.ts";
import { refuseAll, scriptedPeer } from "./testing/scripted-peer.ts";

const DISK = ["--blockdev", "memory,node-name=m,size=1M", "--blockdev", "rehandle,node-name=disk,file=m"];

describe.runIf(haveProgram("socat"))("at a terminal", () => {
  test("TAB completes commands, arguments, their words and the names of nodes", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const shell = await PtyShell.start(sandbox, [sandbox.path("qmp.sock")]);
      await shell.type("rehandle-dr", Key.tab);
      await shell.seesLine("(QMP) rehandle-drain ");
      await shell.type("no", Key.tab);
      await shell.seesLine("(QMP) rehandle-drain node-name=");
      await shell.type("d", Key.tab);
      await shell.seesLine("(QMP) rehandle-drain node-name=disk ");
      await shell.type("h", Key.tab);
      await shell.seesLine("(QMP) rehandle-drain node-name=disk held=");
      await shell.type(Key.tab, Key.tab);
      await shell.sees("wait   fail");
      await shell.type("f", Key.tab, Key.enter);
      await shell.sees('{"completed": 0, "failed": 0}');
      expect(await shell.end()).toBe(0);
    }));

  test("an event comes above the line that is typed, however long that is, and the line goes on", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const shell = await PtyShell.start(sandbox, [sandbox.path("qmp.sock")], 40);
      const line = `{"execute": "query-rehandle", "id": "${"x".repeat(70)}"`;
      await shell.type(line.slice(0, 60), line.slice(60), Key.left, Key.left);
      await sandbox.shell([sandbox.path("qmp.sock"), "quit"]);
      await shell.sees("(not connected) {");
      const [above = "", below = ""] = shell.screen.text.split("(not connected) ");
      const words = above.replaceAll(/\s+/g, "");
      expect(words).toMatch(/SHUTDOWN\{"guest":false.*theconnectionislost:thepeerclosedit/);
      expect(words).not.toContain("xxxx");
      expect(below.replaceAll("\n", "")).toBe(line);
      await shell.type("y");
      await until(
        "the key",
        () => shell.screen.text.replaceAll("\n", "").endsWith('xyx"'),
        () => shell.screen.text,
      );
    }));

  test("Ctrl-C gives up a command that waits, clears a line that is typed, and never ends the shell", () =>
    inSandbox(async (sandbox) => {
      const address = await scriptedPeer(sandbox, (command, message) => {
        return command === "stop" ? "nothing" : refuseAll(command, message);
      });
      const shell = await PtyShell.start(sandbox, [address]);
      await shell.type("half a line", Key.ctrlC, '{"execute": "stop"}', Key.enter, Key.ctrlC);
      await shell.sees("given up; the peer may carry it out all the same");
      await shell.seesLine("(QMP) ");
      await shell.type(Key.ctrlC);
      await shell.sees("Ctrl-D ends the shell");
      expect(await shell.end("exit", Key.enter)).toBe(0);
    }));

  test("lines are kept for the next session, readable by nobody else; what may be secret is not", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const first = await PtyShell.start(sandbox, [sandbox.path("qmp.sock")]);
      for (const line of ["query-version", " query-block", "object-add qom-type=secret id=s data=hush", "info nodes"]) {
        await first.type(line, Key.enter);
      }
      await first.sees("MODE  FILE");
      expect(await first.end()).toBe(0);
      const file = sandbox.path("state/rehandle/qmp-history");
      expect(readFileSync(file, "utf8")).toBe("query-version\ninfo nodes\n");
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const second = await PtyShell.start(sandbox, [sandbox.path("qmp.sock")]);
      await second.type(Key.up, Key.up);
      await second.seesLine("(QMP) query-version");
    }));

  test("a lost connection is told, and made again by reconnect", () =>
    inSandbox(async (sandbox) => {
      const daemon = await sandbox.daemon("qmp.sock", DISK);
      const shell = await PtyShell.start(sandbox, [sandbox.path("qmp.sock")]);
      daemon.kill("SIGKILL");
      await shell.sees("the connection is lost: the peer closed it; reconnect connects anew");
      await shell.type("query-version", Key.enter);
      await shell.sees(`not connected to ${sandbox.path("qmp.sock")}`);
      await sandbox.daemon("qmp.sock", DISK);
      await shell.seesLine("(not connected) ");
      await shell.type("reconnect", Key.enter);
      await shell.sees("connected again");
      await shell.type("info rehandle", Key.enter);
      await shell.sees("disk  normal");
      expect(await shell.end()).toBe(0);
    }));

  test("with --reconnect it is made again by itself", () =>
    inSandbox(async (sandbox) => {
      const daemon = await sandbox.daemon("qmp.sock", DISK);
      const shell = await PtyShell.start(sandbox, ["--reconnect", sandbox.path("qmp.sock")]);
      daemon.kill("SIGKILL");
      await shell.seesLine("(not connected) ");
      await sandbox.daemon("qmp.sock", DISK);
      await shell.sees("connected again");
      await shell.seesLine("(QMP) ");
      expect(await shell.end("quit", Key.enter, Key.ctrlD)).toBe(0);
    }));

  test("a peer that begins to talk nonsense is left", () =>
    inSandbox(async (sandbox) => {
      const address = await scriptedPeer(sandbox, (command, message) => {
        return command === "stop" ? { nonsense: true } : refuseAll(command, message);
      });
      const shell = await PtyShell.start(sandbox, [address]);
      await shell.type("stop", Key.enter);
      await shell.sees("the connection is lost: the server does not speak QMP; reconnect connects anew");
      await shell.seesLine("(not connected) ");
      expect(await shell.end()).toBe(0);
    }));

  test("what a peer sends moves nothing on the screen", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const shell = await PtyShell.start(sandbox, [sandbox.path("qmp.sock")]);
      await shell.type('{"execute": "query-rehandle", "arguments": {"node-name": "\\u001b]0;evil\\u0007"}}', Key.enter);
      await shell.sees("Failed to find rehandle node with node-name='\\u001B]0;evil\\u0007'");
      expect(shell.screen.raw).not.toContain("\u001b]");
    }));
});
