import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judge, type Disagreement } from "../testing/differences.ts";
import { messageWithHints } from "../testing/message-of.ts";
import { sample, textsOf } from "../testing/option-texts.ts";
import { ownCommandLine, type GivenOption } from "../testing/own-command-line.ts";
import { forAll, hasProgram, qemuCommandLine } from "../testing/qemu.ts";
import { askMonitor, humanLine, printed, quoted } from "../testing/qemu-monitor.ts";
import { readConfigFile } from "./config-file.ts";
import { OptsList } from "./opts-list.ts";

const hasQemu = hasProgram("qemu-system-x86_64", "qemu-system-x86");

/** Arguments of one option, one behind the other. */
const repeated = (flag: string, ...lines: readonly (readonly string[])[]): GivenOption[][] =>
  lines.map((texts) => texts.map((text) => [flag, text] as const));

const after = (given: GivenOption, flag: string, ...texts: readonly string[]): GivenOption[][] =>
  texts.map((text) => [given, [flag, text]]);

const LONG = "x".repeat(64);

const COMMAND_LINES: readonly GivenOption[][] = [
  ...repeated("-chardev", ["null,id=a"], ["null,id=a", "null,id=b"], ["null,id=a", "zz,id=a,size=x"], ["null", "null"]),
  ...repeated("-chardev", ["null,id=a", "zz=1", "null,id=a"], ["null,id=a,?"], ["null,help"], ["null,zz=1,help"]),
  ...repeated(
    "-drive",
    ["id=a"],
    ["id=a", "id=a"],
    ["id=a", "x", "x", "id=b"],
    ["id=1"],
    ["", "", "id=a,id=b", "id=b"],
  ),
  ...repeated("-name", ["a"], ["a", "process=b"], ["a", "zz=1"], ["guest=a,id=b"], ["id=b"], ["noid"], ["id"]),
  ...repeated("-name", ["a", "debug-threads=x"], ["a", "debug-threads=on", "debug-threads"], ["?"], ["a,,b"]),
  ...repeated("-m", ["1G"], ["size=1G", "slots=2", "maxmem=2G"], ["1x"], ["1G", "slots=x"], ["1G,help"], ["id=x"]),
  ...repeated(
    "-M",
    ["none"],
    ["none,a.b=1", "a.c=2"],
    ["none,a.b=1", "a=2"],
    ["none,a=1", "a.b=2"],
    ["none,a=1", "a=2"],
  ),
  ...repeated("-M", ["none,a.0=1", "a.0=2"], ["none,a.0=1", "a.1=2"], ["none,a.0=1", "a.b=2"], ["none,a=1", "a.0=2"]),
  ...repeated(
    "-M",
    ["none,a.b.c=1", "a.b=2"],
    ["none,a.b.c=1", "a.b.d=2"],
    ["none,a.b.0=1", "a.b.c=2"],
    ["none", "x,,y"],
  ),
  ...repeated(
    "-M",
    ["none,a.b=1,a.b.c=2"],
    ["none,a.1=1"],
    ["none,=1"],
    ["none,a"],
    ["none", "pc", "none"],
    [""],
    [","],
  ),
  ...repeated(
    "-set",
    ["a"],
    ["a.b"],
    ["a.b.c"],
    ["a.b.c=d"],
    ["drive.b.c=d"],
    ["drive..c=d"],
    [".b.c=d"],
    ["drive.b.=d"],
  ),
  ...repeated("-set", ["object.b.c=d"], ["machine.b.c=d"], ["smp-opts.b.c=d"], ["boot-opts.b.c=d"], ["name..guest=d"]),
  ...repeated("-set", ["__proto__.b.c=d"], ["drive.a b.c d=e"], ["drive.__proto__.c=d"], [`drive.${LONG}.c=d`], [""]),
  ...repeated(
    "-set",
    [`${LONG}.b.c=d`],
    [`drive.b.${LONG}=d`],
    [`drive.${LONG.slice(1)}.c=d`],
    ["drive.b.c.d=e"],
    ["."],
  ),
  ...after(["-chardev", "null,id=a"], "-set", "chardev.a.path=x", "chardev.a.size=1k", "chardev.a.size=1x"),
  ...after(["-chardev", "null,id=a"], "-set", "chardev.a.zz=1", "chardev.a.id=b", "chardev.b.path=x", "chardev.a.=x"),
  ...after(["-chardev", "null,id=a"], "-set", "chardev.a.tight=maybe", "chardev.a.path==", "chardev.a.rows=x"),
  ...after(
    ["-drive", "id=a"],
    "-set",
    "drive.a.x.y=1",
    "drive.a.id=b",
    "drive.a. =",
    "drive.a.file=a,b",
    "drive.A.x=1",
  ),
  ...after(
    ["-chardev", "null,id=a"],
    "-readconfig",
    '[chardev "a"]\n',
    '[chardev "b"]\n backend = "null"\n[chardev "b"]',
  ),
  ...after(["-name", "a"], "-readconfig", '[name]\nprocess = "b"\n', '[name]\nzz = "b"\n', '[name "x"]\nguest = "b"\n'),
  ...after(
    ["-M", "none,a.b=1"],
    "-readconfig",
    '[machine]\na.c = "2"\n',
    '[machine]\na = "2"\n',
    '[machine]\na.b.c = "2"',
  ),
  ...after(
    ["-M", "none,a.0=1"],
    "-readconfig",
    '[machine]\na.0 = "2"\n',
    '[machine]\na.b = "2"\n',
    '[machine]\n0 = "2"\n',
  ),
  ...repeated("-readconfig", [""], ["\n\n# x\n"], ["x"], [' [drive "a"]\n'], ["[drive]\n  \n"], ["[]\n"], ["[zz]\n"]),
  ...repeated(
    "-readconfig",
    ['[drive]\nx = "y"\n[zz]\n'],
    ["[zz]\n[yy]\n"],
    ['[drive "1x"]\nx = "y"\n'],
    ['[drive ""]\n'],
  ),
  ...repeated("-readconfig", ['[drive "a"]\nx = "y"\n\n[drive "a"]\n'], ["[drive\n"], ["[ drive ]\n"], ['\nk = "v"\n']),
  ...repeated("-readconfig", ['[chardev "a"]\nbackend = "null"\nsize = "x"\n'], ['[chardev "a"]\nzz = "1"\n# x\n']),
  ...repeated(
    "-readconfig",
    ['[chardev "a"]\nid = "b"\n[chardev "b"]\n'],
    ['[chardev "a"]\nid = "1x"\n'],
    ["[drive]\n\0"],
  ),
];

/** What blkdebug reads of a configuration file. */
const RULES = {
  "inject-error": {
    event: { type: "str" },
    state: { type: "number" },
    iotype: { type: "str" },
    errno: { type: "number" },
    sector: { type: "number" },
    once: { type: "bool" },
    immediately: { type: "bool" },
  },
  "set-state": { event: { type: "str" }, state: { type: "number" }, new_state: { type: "number" } },
} as const;

const RULE = '[inject-error]\nevent = "read_aio"\n';
const CONFIG_FILES = [
  "",
  "\n",
  "# x\n",
  RULE,
  RULE.trimEnd(),
  `${RULE}\n${RULE}`,
  `${RULE}[set-state]\nevent = "read_aio"\nstate = "1"\nnew_state = "2"\n`,
  `${RULE}errno = "5k"\n`,
  `${RULE}errno = "0x10"\nonce = "on"\n`,
  `${RULE}errno = "-1"\n`,
  `${RULE}errno = ""\n`,
  `${RULE}errno = "5\n`,
  `${RULE}errno = "5" x\n`,
  `${RULE}errno = 5\n`,
  `${RULE}errno="5"\n`,
  `${RULE}errno ="5"\n`,
  `${RULE}errno= "5"\n`,
  `${RULE}  errno\t=\t"5"\n`,
  `${RULE}errno = "5"\nerrno = "6"\n`,
  `${RULE}errno = "x"\nerrno = "6"\n`,
  `${RULE}errno = '5'\n`,
  `${RULE}errno\n`,
  `${RULE}errno = "5\\"6"\n`,
  `${RULE}errno = "5" = "6"\n`,
  `${RULE}once = "maybe"\n`,
  `${RULE}once = "ON"\n`,
  `${RULE}once = " on"\n`,
  `${RULE}zz = "1"\n`,
  `${RULE}zz\n`,
  `${RULE}id = "a"\n`,
  `${RULE}id = "1"\n`,
  `${RULE}__proto__ = "1"\n`,
  `${RULE}é = "1"\n`,
  `${RULE}= "1"\n`,
  `${RULE}"errno" = "1"\n`,
  `${RULE}errno : "1"\n`,
  `${RULE} \n`,
  `${RULE}\t\r\n`,
  `${RULE}\r\n`,
  `${RULE}# x = "y"\n`,
  `${RULE} # x = "y"\n`,
  `${RULE};x\n`,
  '[inject-error "a"]\nevent = "read_aio"\n',
  '[inject-error "a"]\nevent = "read_aio"\n[inject-error "a"]\n',
  '[inject-error "1"]\n',
  '[inject-error "a b"]\n',
  '[inject-error "a]\nevent = "read_aio"\n',
  '[inject-error  "a"  ]\nevent = "read_aio"\n',
  '[inject-error"a"]\n',
  "[inject-error a]\n",
  '[inject-error ""]\n',
  "[inject-error\n",
  '[inject-error]x\nevent = "read_aio"\n',
  "[ inject-error]\n",
  '[ inject-error "a"]\nevent = "read_aio"\n',
  "[Inject-error]\n",
  "[zz]\n",
  '[zz "a"]\n',
  "[__proto__]\n",
  "[]\n",
  "[\n",
  "]\n",
  "[[inject-error]]\n",
  '[""]\n',
  "x\n",
  'event = "read_aio"\n',
  " \n",
  `[${"x".repeat(70)}]\n`,
  `[inject-error "${"x".repeat(70)}"]\nevent = "read_aio"\n`,
  `${RULE}${"x".repeat(70)} = "1"\n`,
  `${RULE}${" ".repeat(1100)}errno = "x"\n`,
  `${RULE}iotype = "${"x".repeat(1200)}"\n`,
  `${RULE}errno = "${"0".repeat(900)}5"\n`,
  `${RULE}errno${" ".repeat(500)}=${" ".repeat(500)}"x"\n`,
  `#${"x".repeat(1100)}\n`,
  `${RULE}er\0rno = "x"\n`,
];

const FILE_WORDS = ["inject-error", "event", "errno", "once", "read_aio", "id", "5", "on", "zz"];
const FILE_SIGNS = ["[", "]", "\n", "\n", ' = "', '"\n', '"', " ", "#", "=", '"]\n', "]\n"];
const GENERATED = [
  ...sample(textsOf(FILE_WORDS, FILE_SIGNS, 16), 200),
  ...sample(textsOf(FILE_WORDS, FILE_SIGNS, 10), 200).map((text) => `${RULE}${text}`),
];

describe.runIf(hasQemu)("command lines, compared with QEMU", () => {
  test(`${COMMAND_LINES.length} command lines`, { timeout: 60_000 }, async () => {
    const disagreements: Disagreement[] = [];
    await forAll(COMMAND_LINES, async (options) => {
      const theirs = await qemuCommandLine(options);
      const ours = ownCommandLine(options);
      if (ours !== theirs) disagreements.push({ text: JSON.stringify(options), ours, theirs });
    });
    expect(judge(disagreements)).toEqual({ unexplained: [], seen: ["hintsKept"] });
  });
});

describe.runIf(hasQemu)("configuration files, compared with QEMU", () => {
  let folder = "";
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "options-"))));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ["written files", CONFIG_FILES, []],
    ["generated files", GENERATED, ["order"]],
  ])("%s", { timeout: 60_000 }, async (_name, files, differences) => {
    const answers = await askMonitor(
      files.flatMap((text, i) => {
        const path = join(folder, String(i));
        writeFileSync(path, text);
        const options = `id=a,driver=blkdebug,image.driver=null-co,config=${path}`;
        return [humanLine(`drive_add 0 ${quoted(options)}`), humanLine("drive_del a")];
      }),
    );
    const disagreements = files.flatMap((text, i): Disagreement[] => {
      const theirs = printed(answers[2 * i]);
      const ours = ourAnswer(text);
      const isSame = ours === theirs || (ours === "OK" && IS_BEHIND.test(theirs));
      return isSame ? [] : [{ text, ours, theirs }];
    });
    expect(judge(disagreements)).toEqual({ unexplained: [], seen: differences });
  });
});

/** What blkdebug says of rules that it could read. */
const IS_BEHIND = /^(?:Missing event name|Invalid event name|invalid parameter value|Invalid state|Unknown)/;

function ourAnswer(text: string): string {
  const lists = Object.entries(RULES).map(([name, known]) => new OptsList({ name, known }));
  try {
    readConfigFile(text, "f", { lists });
    return "OK";
  } catch (error) {
    return messageWithHints(error);
  }
}
