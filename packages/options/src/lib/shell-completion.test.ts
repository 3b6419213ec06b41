import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describedCommand } from "../testing/described-command.ts";
import { hasProgram } from "../testing/qemu.ts";
import { completeCommandLine } from "./complete-option.ts";
import { formatBashCompletion, formatCandidates } from "./shell-completion.ts";

/** What bash would insert for a line that ends where the cursor is, or has `|` there. */
function completeInBash(folder: string, line: string): string[] {
  const point = line.includes("|") ? line.indexOf("|") : line.length;
  const whole = line.replace("|", "");
  const upTo = whole.slice(0, point);
  // Words as bash splits them; the last one is that at the cursor.
  const words: string[] = upTo.match(/[^\s=:]+|[=:]+/g) ?? [];
  if (/\s$/.test(upTo)) words.push("");
  // What the program would say is written down beforehand.
  const given = upTo.split(/\s+/).slice(1);
  writeFileSync(join(folder, "answer"), formatCandidates(completeCommandLine(describedCommand, given)));
  const script = `
    PATH=${folder}:$PATH
    source ${folder}/completion
    COMP_LINE=$1 COMP_POINT=${point} COMP_CWORD=${words.length - 1}
    COMP_WORDS=("\${@:2}")
    _try_daemon try-daemon
    ((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"
    cat ${folder}/given >&2`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", whole, ...words], {
    encoding: "utf8",
    cwd: folder,
  });
  expect(stderr.split("\n").slice(0, -1)).toEqual(["--complete", ...given]);
  return stdout.split("\n").slice(0, -1);
}

describe.runIf(hasProgram("bash", "bash"))("bash", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "completion-"));
    writeFileSync(join(folder, "completion"), formatBashCompletion("try-daemon", "--complete"));
    writeFileSync(
      join(folder, "try-daemon"),
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/given\ncat ${folder}/answer\n`,
    );
    chmodSync(join(folder, "try-daemon"), 0o755);
    mkdirSync(join(folder, "images"));
    writeFileSync(join(folder, "images", "a.img"), "");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ["try-daemon --p", ["--pidfile "]],
    ["try-daemon --blockdev n", ["nbd", "node-name="]],
    ["try-daemon --blockdev driver=n", ["nbd"]],
    ["try-daemon --blockdev nbd,server.type=", ["inet", "unix"]],
    ["try-daemon --blockdev=nbd,server.", ["nbd,server.type="]],
    ["try-daemon --blockdev nbd,server.type=unix,server.p", ["unix,server.path="]],
    ["try-daemon --blockdev file,filename=im", ["images/"]],
    ["try-daemon --blockdev file,filename=images/", ["images/a.img"]],
    ["try-daemon --pidfile im", ["images/"]],
    ["try-daemon --blockdev n| --help", ["nbd", "node-name="]],
    ["try-daemon   --help --drive node:if=", []],
    ["try-daemon --drive file=nbd://x:1,if=v", ["virtio"]],
  ])("%s", (line, expected) => expect(completeInBash(folder, line)).toEqual(expected));
});
