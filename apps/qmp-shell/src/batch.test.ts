import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endOf, inSandbox, Sandbox, SHELL } from "./testing/sandbox.ts";
import { babbler, refuseAll, scriptedPeer } from "./testing/scripted-peer.ts";

const DISK = ["--blockdev", "memory,node-name=m,size=1M", "--blockdev", "rehandle,node-name=disk,file=m"];

describe("standard input", () => {
  test("has a command a line, or over several lines while a bracket is open; the first failure is the exit code", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const input =
        'query-block\n # nothing else\nnothing\n\n{"execute":\n  "query-block", "id": "x"}\nblock_resize size=x\nexit\nquit\n';
      const { code, stdout, stderr } = await sandbox.shell(["--json", sandbox.path("qmp.sock")], input);
      expect(stdout.split("\n")).toEqual([
        '{"return": []}',
        '{"error": {"class": "CommandNotFound", "desc": "The command nothing has not been found"}}',
        '{"return": [], "id": "x"}',
        "",
      ]);
      expect(stderr).toBe("rehandle-qmp: line 7: Parameter 'size' expects integer\n");
      expect(code).toBe(1);
    }));

  test("is told of events, unless they are off", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const { stdout } = await sandbox.shell(["--json", sandbox.path("qmp.sock")], "events off\nevents on\nquit\n");
      const names = stdout.split("\n").map((line) => /"event": "(\w+)"/.exec(line)?.[1] ?? line);
      expect(names).toEqual(["SHUTDOWN", '{"return": {}}', ""]);
    }));

  test("that ends within a bracket is an error", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const { code, stderr } = await sandbox.shell([sandbox.path("qmp.sock")], '{"execute": ');
      expect([code, stderr]).toEqual([2, "rehandle-qmp: the last line has an open quote or bracket\n"]);
    }));
});

test("exec-oob sends a command out of band, if that may be sent so", () =>
  inSandbox(async (sandbox) => {
    await sandbox.daemon("qmp.sock", DISK);
    const input = [
      "exec-oob rehandle-retry-now node-name=disk",
      "exec-oob rehandle-retry-now",
      "exec-oob query-block",
      '{"exec-oob": "rehandle-retry-now", "arguments": {"node-name": "disk"}, "id": 1}',
      "exec-oob",
    ];
    const { stdout, stderr } = await sandbox.shell(["--json", sandbox.path("qmp.sock")], `${input.join("\n")}\n`);
    expect(stdout.split("\n")).toEqual([
      '{"return": {}}',
      '{"error": {"class": "GenericError", "desc": "The command query-block does not support OOB"}}',
      '{"return": {}, "id": 1}',
      "",
    ]);
    expect(stderr).toBe(
      "rehandle-qmp: line 2: Parameter 'node-name' is missing\nrehandle-qmp: line 5: exec-oob needs a command\n",
    );
  }));

describe("the tables", () => {
  const sandbox = new Sandbox();
  beforeAll(() => sandbox.daemon("qmp.sock", DISK));
  afterAll(() => sandbox.remove());

  test.for([
    [
      "nodes",
      "NODE  DRIVER    SIZE   MODE  FILE\n" +
        'disk  rehandle  1 MiB  rw    json:{"driver": "rehandle", "file": {"driver": "memory", "size": 1048576}}\n' +
        'm     memory    1 MiB  rw    json:{"driver": "memory", "size": 1048576}\n',
    ],
    ["exports", "no exports\n"],
    ["block", "no drives\n"],
    ["rehandle", "NODE  STATUS  HELD  BYTES  TIMEOUT\ndisk  normal  0     0 B    forever\n"],
  ] as const)("info %s", async ([view, expected]) => {
    const ended = await sandbox.shell([sandbox.path("qmp.sock"), "info", view]);
    expect(ended).toEqual({ code: 0, stdout: expected, stderr: "" });
  });

  test("info with anything else says what there is", async () => {
    const { code, stderr } = await sandbox.shell([sandbox.path("qmp.sock"), "info", "colours"]);
    expect([code, stderr]).toEqual([2, "rehandle-qmp: info needs one of: block, nodes, exports, rehandle\n"]);
  });
});

describe("--wait-event", () => {
  test("runs the command first, prints the event and ends", () =>
    inSandbox(async (sandbox) => {
      await sandbox.daemon("qmp.sock", DISK);
      const { code, stdout } = await sandbox.shell([
        "--json",
        "--wait-event",
        "SHUTDOWN",
        sandbox.path("qmp.sock"),
        "quit",
      ]);
      expect(stdout).toMatch(/^\{"return": \{\}\}\n\{"event": "SHUTDOWN", "data": .*\}\n$/);
      expect(code).toBe(0);
    }));

  test("ends with 1 when time is over, with 2 for an event that the peer does not have, with 3 when the peer is lost", () =>
    inSandbox(async (sandbox) => {
      const daemon = await sandbox.daemon("qmp.sock", DISK);
      const address = sandbox.path("qmp.sock");
      const late = await sandbox.shell(["--wait-event", "SHUTDOWN", "--timeout", "0.5", address]);
      expect([late.code, late.stderr]).toEqual([1, "rehandle-qmp: no event SHUTDOWN in time\n"]);
      const unknown = await sandbox.shell(["--wait-event", "SHUTDWON", address]);
      expect([unknown.code, unknown.stderr]).toEqual([
        2,
        "rehandle-qmp: the peer has no event SHUTDWON\nDid you mean 'SHUTDOWN'?\n",
      ]);
      const child = sandbox.start([...SHELL, "--wait-event", "BLOCK_IO_HANG", address, "query-block"], "pipe");
      const waiting = endOf(child);
      await new Promise((resolve) => child.stdout?.once("data", resolve));
      daemon.kill("SIGKILL");
      const lost = await waiting;
      expect([lost.code, lost.stderr]).toEqual([3, "rehandle-qmp: the connection is lost: the peer closed it\n"]);
    }));
});

describe("a peer", () => {
  test("that is not there, ends, or speaks something else is a failure of the connection", () =>
    inSandbox(async (sandbox) => {
      const absent = await sandbox.shell(["absent.sock", "query-block"]);
      expect([absent.code, absent.stderr]).toEqual([
        3,
        "rehandle-qmp: Failed to connect to 'absent.sock': no such file or directory\n",
      ]);
      const ended = await sandbox.shell(["--exec", "exit 7", "query-block"]);
      expect([ended.code, ended.stderr]).toEqual([3, "rehandle-qmp: exit 7: the program ended with 7\n"]);
      const web = await babbler(sandbox, "HTTP/1.1 400 Bad Request\r\n\r\n");
      const other = await sandbox.shell([web, "query-block"]);
      expect([other.code, other.stderr]).toEqual([3, `rehandle-qmp: ${web}: JSON parse error, stray 'H'\n`]);
    }));

  test("that never greets runs into the timeout", () =>
    inSandbox(async (sandbox) => {
      const silent = await babbler(sandbox, "");
      const { code, stderr } = await sandbox.shell(["--timeout", "0.3", silent, "query-block"]);
      expect([code, stderr]).toEqual([3, "rehandle-qmp: no greeting in time\n"]);
    }));

  test("that goes away says what became of the command", () =>
    inSandbox(async (sandbox) => {
      const address = await scriptedPeer(sandbox, (command) => (command === "stop" ? "end" : refuseAll(command, "")));
      const { code, stderr } = await sandbox.shell([address, "stop"]);
      expect([code, stderr]).toEqual([
        3,
        "rehandle-qmp: the connection was lost before stop was answered; it may have been carried out or not\n",
      ]);
    }));

  test("that knows no schema is asked all the same, with values as they look", () =>
    inSandbox(async (sandbox) => {
      let said = "";
      const address = await scriptedPeer(sandbox, (command, message) => {
        said = message;
        return refuseAll(command, message);
      });
      const words = ["do-it", "a=5", "b.c=x", "d.0=true", 'e={"f": [1.5]}', "g='7'"];
      expect(await sandbox.shell([address, ...words])).toMatchObject({
        code: 1,
        stderr: "rehandle-qmp: CommandNotFound: no do-it\n",
      });
      expect(JSON.parse(said)).toMatchObject({
        execute: "do-it",
        arguments: { a: 5, b: { c: "x" }, d: [true], e: { f: [{ value: 1.5 }] }, g: "7" },
      });
    }));

  test("that sends escape sequences sends them in vain", () =>
    inSandbox(async (sandbox) => {
      const evil = "\u001b]0;title\u0007\u009b2J\u202e";
      const address = await scriptedPeer(sandbox, (command) => {
        if (command === "good") return { return: { [evil]: [evil] } };
        if (command === "query-block") return { return: [{ device: evil }] };
        if (command === "query-commands") return { return: [{ name: evil }] };
        return { error: { class: evil, desc: evil } };
      });
      const { stdout, stderr } = await sandbox.shell([address], "good\nbad\ninfo block\nhelp\n");
      const shown = String.raw`\u001B]0;title\u0007\u009B2J\u202E`;
      expect(stdout).toContain(String.raw`"\u001b]0;title\u0007\u009B2J\u202E": [`);
      expect(stdout).toContain(`DEVICE\n${shown}\n`);
      expect(stdout).toContain(`  ${shown}\n`);
      expect(stderr).toBe(`rehandle-qmp: line 2: ${shown}: ${shown}\n`);
    }));
});
