import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { completionScript, completionText } from "./lib/usage.ts";
import { DAEMON_COMMAND } from "./testing/daemon-process.ts";
import { havePrograms, mustRun, runProgram, type Ended } from "./testing/programs.ts";
import { Sandbox } from "./testing/sandbox.ts";
import { ALL, installProgram, ShellSession, TAB } from "./testing/shell-session.ts";

const PROGRAM = "rehandle-storage-daemon";

/** Words as they are typed, and what they become. The rest of the rules are tested without a shell. */
const LINES: readonly (readonly [string, string])[] = [
  [`--pidf${TAB}`, "--pidfile"],
  [`--blockdev nbd,server.t${TAB}u${TAB}`, "--blockdev nbd,server.type=unix"],
  [`--blockdev=file,filename=im${TAB}a${TAB}`, "--blockdev=file,filename=images/a.img"],
  [`--blockdev file,filename=images/b${TAB}`, "--blockdev file,filename=images/b\\ c.img"],
  [`--blockdev rehandle,werror=st${TAB}`, "--blockdev rehandle,werror=stop"],
  [
    `--blockdev nbd,node-name=up --blockdev rehandle,file=u${TAB}`,
    "--blockdev nbd,node-name=up --blockdev rehandle,file=up",
  ],
  [`--chardev stdio,id=qmp --monitor chardev=${TAB}`, "--chardev stdio,id=qmp --monitor chardev=qmp"],
  [`--blockdev n${ALL}`, "--blockdev nbd node-name= null-co"],
];

describe.skipIf(!havePrograms("script")).each(["bash", "zsh"] as const)("in %s", (shell) => {
  const sandbox = new Sandbox();
  let session: ShellSession;

  beforeAll(async () => {
    if (!havePrograms(shell)) return;
    addFiles(sandbox);
    session = new ShellSession(sandbox, shell);
    await session.ready();
  });
  afterAll(() => sandbox.remove());

  test.skipIf(!havePrograms(shell)).each(LINES)("%j", async (typed, expected) => {
    expect(await session.type(`${PROGRAM} ${typed}`)).toBe(`${PROGRAM} ${expected}`);
  });
});

const IN_FISH: Readonly<Record<string, readonly string[]>> = {
  "--pidf": ["--pidfile"],
  "--blockdev n": ["nbd", "node-name=", "null-co"],
  // The second one keeps fish from ending the word.
  "--blockdev nbd,server.type=u": ["nbd,server.type=unix", "nbd,server.type=unix,"],
  "--blockdev file,filename=images/": ["file,filename=images/a.img", "file,filename=images/b c.img"],
  "--blockdev nbd,node-name=up --blockdev nbd,node-name=down --blockdev raw,file=": ["raw,file=down", "raw,file=up"],
  "--object=tls-creds-x509,endpoint=": [
    "--object=tls-creds-x509,endpoint=client",
    "--object=tls-creds-x509,endpoint=server",
  ],
};

test.skipIf(!havePrograms("fish"))("in fish", async () => {
  const sandbox = new Sandbox();
  addFiles(sandbox);
  installProgram(sandbox);
  const lines = Object.keys(IN_FISH).map((typed) => `complete -C '${PROGRAM} ${typed}'; echo END`);
  const script = ["set -p PATH bin", `${PROGRAM} --completion fish | source`, ...lines].join("\n");
  const answer = await mustRun("fish", ["--no-config", "-c", script], { cwd: sandbox.folder });
  await sandbox.remove();
  const found = answer.split("END\n").map((lines) => lines.split("\n").slice(0, -1).map(withoutHelp));
  expect(Object.fromEntries(Object.keys(IN_FISH).map((typed, at) => [typed, found[at]]))).toEqual(IN_FISH);
});

function withoutHelp(line: string): string | undefined {
  return line.split("\t", 1)[0];
}

test.each([
  [["--drive", "file=x,id=d0", "--export", "nbd,node-name="], "nbd,node-name=d0"],
  [
    ["--object", "tls-creds-x509,id=tls0", "--nbd-server", "addr.type=unix,tls-creds="],
    "addr.type=unix,tls-creds=tls0",
  ],
  [
    ["--blockdev", "rehandle,file.driver=nbd,file.server.type="],
    "rehandle,file.driver=nbd,file.server.type=inet rehandle,file.driver=nbd,file.server.type=unix",
  ],
  [["--blockdev", "rehandle,iohang-timeout="], "rehandle,iohang-timeout=forever"],
  [["--export", "vhost-user-blk,addr.type="], "vhost-user-blk,addr.type=unix vhost-user-blk,addr.type=fd"],
  [["--completion", ""], "bash fish zsh"],
  [["--tra"], ""],
])("%j: %s", (words, expected) => {
  const lines = completionText(words).split("\n").slice(0, -1);
  expect(lines.map((line) => line.split("\t")[1]).join(" ")).toBe(expected);
});

test("the program itself answers so", async () => {
  const run = (...words: string[]): Promise<Ended> => runProgram(process.execPath, [...DAEMON_COMMAND, ...words]);
  const given = ["--blockdev", "nbd,node-name=up", "--bogus", "--blockdev", "raw,file="];
  expect(await run("--complete", ...given)).toEqual({ code: 0, stdout: completionText(given), stderr: "" });
  expect(completionText(given)).toBe("value\traw,file=up\t\n");
  expect(await run("--completion", "bash")).toEqual({ code: 0, stdout: completionScript("bash"), stderr: "" });
  expect(await run("--completion", "ksh")).toEqual({
    code: 1,
    stdout: "",
    stderr: `${PROGRAM}: --completion ksh: 'ksh' is none of bash, fish, zsh\n`,
  });
});

function addFiles(sandbox: Sandbox): void {
  mkdirSync(sandbox.path("images"));
  writeFileSync(sandbox.path("images/a.img"), "");
  writeFileSync(sandbox.path("images/b c.img"), "");
}
