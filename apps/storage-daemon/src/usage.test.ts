import { describe, expect, test } from "vitest";
import { comparable, runOurs, runTheirs } from "./testing/compared-daemons.ts";
import { havePrograms } from "./testing/programs.ts";

/** Command lines that both refuse or answer in the same words, on the same stream, with the same exit code. */
const SAME: readonly string[] = [
  "--bogus --version",
  "--bogus -h",
  "--bogus=1",
  "-bogus",
  "-xh",
  "-xV",
  "-H",
  "-v",
  "--Help",
  "--HELP",
  "--help=on",
  "--version=1",
  "--daemonize=1",
  "--daemonize --bogus=",
  "--=x",
  "--=",
  "---",
  "----",
  "-",
  "",
  "x",
  "--b",
  "--c",
  "--e",
  "--m",
  "--n",
  "--o",
  "--p",
  "--t",
  "-T",
  "--blockdevs x",
  "--exports x",
  "--nbdserver x",
  "--monitors",
  "--blockdev=",
  "--object=",
  "--chardev=",
  "--export=",
  "--monitor=",
  "--nbd-server=",
  "--pidfile=",
  "--blockdev --help",
  "--object --help",
  "--export -h",
  "--blockdev ?",
  "--blockdev driver=help",
  "--blockdev driver=?",
  "--blockdev file,help",
  "--blockdev file,?",
  "--blockdev node-name=x,help",
  "--export ?",
  "--export nbd,help",
  "--export type=help",
  "--export help,id=x",
  "--nbd-server help",
  "--nbd-server ?",
  "--nbd-server addr.type=help",
  "--nbd-server addr.type=unix,help",
  "--monitor help",
  "--monitor ?",
  "--monitor mode=help",
  "--monitor c,help",
  "--object help,x",
  "--object help=on",
  "--object id=o",
  "--object qom-type=help",
  "--object tls-creds-x509,help=on",
  "--object tls-creds-x509,help,id",
  "--object {}",
  '--object {"qom-type":"help"}',
  '--object {"qom-type":"tls-creds-x509"}',
  "--object secret",
  "--object secret,id=s,format=zork",
  "--chardev help,id=1",
  "--chardev help,zork=1",
  "--chardev socket,zork=1,help",
];

/**
 * Cries for help that both answer, with the same exit code: what QEMU has and the daemon hasn't is not in its answer, and
 * lines go on with what they mean.
 */
const HELP: readonly string[] = [
  "--object help",
  "--object ?",
  "--object help,id=o",
  "--object id=o,help",
  "--object zork,help",
  "--object tls-creds-x509,help",
  "--object tls-creds-x509,?",
  "--object tls-creds-x509,id=o,help",
  "--object tls-creds-x509,zork=1,help",
  "--object qom-type=tls-creds-x509,help",
  "--object secret,help",
  "--chardev help",
  "--chardev ?",
  "--chardev backend=help",
  "--chardev help,id=c",
  "--chardev id=c,backend=help",
  "--chardev socket,help",
  "--chardev socket,?",
  "--chardev socket,id=c,help",
  "--chardev id=c,help",
  "--chardev zork,help",
];

/** Both print a page about themselves on standard output and end with 0. */
const PAGES: readonly string[] = [
  "-h",
  "--help",
  "--hel",
  "--help x",
  "-hV",
  "-help",
  "-hx",
  "--help --bogus",
  "--daemonize --help",
  "--blockdev zork --help",
  "x -h",
  "-V",
  "--version",
  "--v",
  "-Vh",
  "-Vx",
  "--version --bogus",
  "--blockdev zork --version",
  "x --version",
];

/** Where the daemon is otherwise on purpose: its answer, and why. */
const DIFFERENT: readonly { readonly line: string; readonly stderr: string; readonly why: string }[] = [
  {
    line: "--pidfile /nonexist/p -- x",
    stderr: "x: Unexpected argument\n",
    why: "words behind -- would be ignored, and whoever wrote them not know it",
  },
  {
    line: "--daemonize --pidfile /nonexist/p",
    stderr: "--daemonize: --daemonize is not supported\n",
    why: "not there",
  },
  { line: "--trace help", stderr: "--trace help: --trace is not supported\n", why: "there are no trace points" },
  { line: "-Thelp", stderr: "-Thelp: --trace is not supported\n", why: "there are no trace points" },
];

function words(line: string): string[] {
  return line.split(" ");
}

describe.skipIf(!havePrograms("qemu-storage-daemon"))("compared with qemu-storage-daemon", () => {
  test.each(SAME)("the same: %s", async (line) => {
    const ours = comparable(await runOurs(words(line)), "rehandle-storage-daemon");
    expect(ours).toEqual(comparable(await runTheirs(words(line)), "qemu-storage-daemon"));
    expect(ours).toMatchObject({ code: 1, stdout: "" });
  });

  test.each(HELP)("help: %s", async (line) => {
    const ours = await runOurs(words(line));
    const theirs = await runTheirs(words(line));
    expect({ code: ours.code, stderr: ours.stderr }).toEqual({ code: theirs.code, stderr: theirs.stderr });
    const [caption, ...lines] = ours.stdout.split("\n").map((text) => text.replace(/ +- .*/, ""));
    const [wanted, ...known] = theirs.stdout.split("\n");
    expect(caption).toBe(wanted);
    expect(lines.filter((text) => !known.includes(text))).toEqual([]);
    expect(lines.length).toBeGreaterThan(2);
  });

  test.each(PAGES)("a page: %s", async (line) => {
    const ours = await runOurs(words(line));
    const theirs = await runTheirs(words(line));
    expect({ code: ours.code, stderr: ours.stderr }).toEqual({ code: theirs.code, stderr: theirs.stderr });
    const first = /^(Usage: )?(?:rehandle|qemu)-storage-daemon (\[options\]|version \d+\.\d+\.\d+)/;
    expect(first.exec(ours.stdout)?.[1]).toBe(first.exec(theirs.stdout)?.[1]);
    expect(ours.stdout.endsWith("\n")).toBe(true);
  });

  test.each(DIFFERENT)("different: $line ($why)", async ({ line, stderr }) => {
    const ours = comparable(await runOurs(words(line)), "rehandle-storage-daemon");
    expect(ours).toEqual({ code: 1, stdout: "", stderr });
    // No entry outlives its reason.
    expect(comparable(await runTheirs(words(line)), "qemu-storage-daemon")).not.toEqual(ours);
  });
});

describe("what is nearly right", () => {
  test.each([
    ["--blokdev x", "--blockdev"],
    ["--nbdserver x", "--nbd-server"],
    ["--fil", undefined],
    ["--blockdev fil,node-name=d", "file"],
    ["--blockdev rehandel,node-name=d", "rehandle"],
    ["--blockdev file,node-name=d,filname=x,filename=/dev/null", "filename"],
    ["--blockdev rehandle,node-name=d,file=x,iohang_timeout=3", "iohang-timeout"],
    ["--blockdev null-co,node-name=d,discard=ignor", "ignore"],
    ["--blockdev nbd,node-name=d,server.type=unx", "unix"],
    ["--blockdev nbd,node-name=d,server.type=unix,server.pat=x,server.path=y", "path"],
    ["--export nbdd,id=e,node-name=d", "nbd"],
    ["--export nbd,id=e,node-name=d,writeable=on", "writable"],
    ["--nbd-server addr.type=unix,addr.path=x,maxconnections=3", "max-connections"],
    ["--monitor c,mod=control", "mode"],
    ["--monitor c,mode=contrl", "control"],
    ["--object tls-creds-x50,id=o", "tls-creds-x509"],
    ["--object tls-creds-x509,id=o,endpoint=sever", "server"],
    ["--chardev sockt,id=c", "socket"],
    ["--chardev socket,id=c,pat=x", "path"],
    ["--blockdev zzzzzzzzzz,node-name=d", undefined],
  ])("%s: %s", async (line, meant) => {
    const { code, stderr } = await runOurs(words(line));
    expect(code).toBe(1);
    const hints = stderr.split("\n").filter((text) => text.startsWith("Did you mean"));
    expect(hints).toEqual(meant === undefined ? [] : [`Did you mean '${meant}'?`]);
  });
});
