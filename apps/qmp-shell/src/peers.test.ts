import { describe, expect, test } from "vitest";
import { REAL_PEERS } from "./testing/peers.ts";
import { inSandbox } from "./testing/sandbox.ts";

describe.for(REAL_PEERS)("$name", ({ isThere, unix, tcp, stdio }) => {
  test.runIf(isThere)("over a unix socket: commands, refusals, help", () =>
    inSandbox(async (sandbox) => {
      const address = await unix(sandbox);
      const version = await sandbox.shell([address, "query-version"]);
      expect(version).toMatchObject({ code: 0, stderr: "" });
      expect(version.stdout).toContain('"qemu": {');
      expect(await sandbox.shell([address, "query-nothing"])).toEqual({
        code: 1,
        stdout: "",
        stderr: "rehandle-qmp: CommandNotFound: The command query-nothing has not been found\n",
      });
      for (const [words, meant] of [
        [["query-verison"], "query-version"],
        [["block_resize", "size=1", "sice=1"], "size"],
        [["block-export-add", "type=nbdd"], "nbd"],
        [["help", "block-resize"], "block_resize"],
      ] as const) {
        expect((await sandbox.shell([address, ...words])).stderr).toMatch(
          new RegExp(`^rehandle-qmp: .*\nDid you mean '${meant}'\\?\n$`),
        );
      }
      const help = await sandbox.shell([address, "help", "block_resize"]);
      expect(help.stdout).toMatch(/^block_resize\n(.*\n)* {2}size +int\nreturns nothing\n$/);
    }),
  );

  test.runIf(isThere)("over TCP: what is wrong is told before it is sent, in QEMU's words", () =>
    inSandbox(async (sandbox) => {
      const address = await tcp(sandbox);
      const commands = [
        ["block_resize size=10Q", "Parameter 'size' expects integer"],
        ["block_resize", "Parameter 'size' is missing"],
        ["block_resize size=1 colour=red", "Parameter 'colour' is unexpected"],
        ["query-named-block-nodes flat=maybe", "Parameter 'flat' expects 'on' or 'off'"],
        ["block_resize size", "Expected '=' after parameter 'size'"],
        ['{"execute": 5}', "QMP input member 'execute' must be a string"],
      ] as const;
      const input = commands.map(([command]) => `${command}\n`).join("");
      const { code, stdout, stderr } = await sandbox.shell([address], input);
      const complaints = commands.map(([, error], i) => `rehandle-qmp: line ${i + 1}: ${error}`);
      expect(stderr.split("\n")).toEqual([...complaints, ""]);
      expect([code, stdout]).toEqual([2, ""]);
    }),
  );

  test.runIf(isThere)("over the standard input and output of a program, which ends with the shell", () =>
    inSandbox(async (sandbox) => {
      const { code, stdout } = await sandbox.shell([
        "--json",
        "--exec",
        stdio,
        '{"execute": "query-version", "id": 7}',
      ]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ return: { qemu: {} }, id: 7 });
    }),
  );
});
