import { describe, expect, test } from "vitest";
import { messageWithHints } from "../testing/message-of.ts";
import { itemsOf, sample, textsOf } from "../testing/option-texts.ts";
import { hasProgram } from "../testing/qemu.ts";
import { qemuChardev } from "../testing/qemu-chardev.ts";
import { askMonitor, humanLine, quoted } from "../testing/qemu-monitor.ts";
import { isOptionError } from "./option-error.ts";
import { OptsList } from "./opts-list.ts";
import { readOpts } from "./opt-description.ts";

const hasQemu = hasProgram("qemu-system-x86_64", "qemu-system-x86");

const CHARDEVS = [
  "null,id=a",
  "null,id=a,",
  "null,id=A0._-z",
  "id=a,backend=null",
  "backend=null,id=a",
  "id=a,null",
  "zz,id=a,backend=null",
  "null,id=a,tight=off,size=64k,reconnect=0x10,path=,host= ",
  "null,id=a,path=x,,y,host=,,,port=,,,,",
  "null,id=a,path=x=y=,,=z",
  "null,id=a,id=b",
  "null,id=a,id=1x",
  "null,id=a,noid",
  "null,noid",
  "noid",
  "nonoid",
  "id",
  "id,id=b",
  "noid,id=b",
  "id=,null",
  "",
  ",",
  ",,",
  ",,,",
  "=",
  "=x",
  "=,id=a",
  ",id=a",
  ",id=a,backend=null",
  ",,id=a",
  "null",
  "null,",
  "null,,",
  "null,,id=a",
  "null,,,id=a",
  "null,,,,id=a",
  "nu,,ll,id=a",
  "null,id=a,,",
  "null,id=a,,,tight=on",
  " null,id=a",
  "null ,id=a",
  "null, id=a",
  "null,id =a",
  "null,id= a",
  "null,id=a ",
  "null,ID=a",
  "Null,id=a",
  "null,id=é",
  "null,id=aé",
  "null,id=1",
  "null,id=-",
  "null,id=_a",
  "null,id=a,tight",
  "null,id=a,notight",
  "null,id=a,nonotight",
  "null,id=a,delay",
  "null,id=a,nodelay",
  "null,id=a,nonodelay",
  "null,id=a,delay=off,nodelay=on",
  "null,id=a,no",
  "null,id=a,on",
  "null,id=a,node",
  "null,id=a,path",
  "null,id=a,nopath",
  "null,id=a,size",
  "null,id=a,nosize",
  "null,id=a,rows",
  "null,id=a,norows",
  "null,id=a,zz",
  "null,id=a,nozz",
  "null,id=a,zz=1",
  "null,id=a,Tight=on",
  "null,id=a,tight =on",
  "null,id=a,tight= on",
  "null,id=a,tight=on ",
  "null,id=a,tight=On",
  "null,id=a,tight=1",
  "null,id=a,tight=",
  "null,id=a,tight=y,tight=n,tight=yes,tight=no,tight=true,tight=false",
  "null,id=a,tight=t",
  "null,id=a,tight=enable",
  "null,id=a,size=0x1k,rows=010",
  "null,id=a,size=0x1k,size=0x1k,tight,tight,notight,tight",
  "null,id=a,size=1.5",
  "null,id=a,size=1x,tight=zz",
  "null,id=a,tight=zz,size=1x",
  "null,id=a,zz=1,tight=zz",
  "null,id=1x,zz=1",
  "null,zz=1",
  "null,tight=zz",
  "null,rows=-1,cols=+5,width= 7,height=\t9",
  "null,id=a,rows=5k",
  "null,id=a,rows=1.5",
  "null,id=a,rows=08",
  "null,id=a,rows=18446744073709551616",
  "null,id=a,size=18446744073709551616",
  "null,id=a,size=-1",
  "help",
  "?",
  "help,id=a",
  "backend=help",
  "null,id=a,help",
  "null,id=a,?",
  "null,id=a,help,zz=1",
  "null,id=a,zz=1,help",
  "null,id=a,tight=zz,?",
  "null,help,id=1x",
  "null,id=1x,help",
  "null,id=a,nohelp",
  "null,id=a,help=on",
  "null,id=a,?=on",
  "null,id=a,help ",
  "null,id=a,helper",
  "zz",
  "zz,id=a",
  "zz,id=a,tight=zz",
  "zz,,y,id=a",
  "a b,id=a",
  "__proto__,id=a",
  "null,id=__proto__",
  "null,id=constructor",
  "null,id=a,__proto__=1",
  "null,id=a,constructor",
  "null,id=a,toString=1",
  'null,id=a,path="x,y"',
  "null,id=a,path='x'",
  "null,id=a,path=a\nb",
  "null,id=a,a.b=c",
  "null,id=a,a\\,b=c",
  `null,id=${"a".repeat(300)}`,
  `null,id=a,${"x".repeat(300)}=1`,
  `null,id=a,path=${",".repeat(300)}`,
  `null,id=a,path=${",".repeat(301)}`,
];

const KEYS = ["id", "backend", "tight", "size", "rows", "path", "zz", "noid", "", "no", "help"];
const VALUES = ["a", "b1", "null", "on", "off", "1k", "0x1k", "08", "1.5", "zz", "", ",,", "x,,y", "x=y", " a", "help"];
const GENERATED = [
  ...sample(itemsOf(KEYS, VALUES, ["null", "tight", "notight", "help", "?", "", "id", "noid", "size", "nodelay"]), 300),
  ...sample(textsOf(["null", "id", "a", "tight", "no", "size", "1k", "help", "?"], ["=", ",", ",,", "id=a,"]), 200),
];

/** What the list, and then who makes the device, has to say. */
function ourAnswer(text: string): string {
  const list = new OptsList({ name: "chardev", known: qemuChardev, impliedKey: "backend" });
  try {
    const { set, warnings } = list.add(text);
    const errors = set === undefined ? [] : deviceError(set.id, readOpts(qemuChardev, set.options));
    return [...warnings, ...errors].join("\n");
  } catch (error) {
    return isOptionError(error) ? [...error.warnings, messageWithHints(error)].join("\n") : messageWithHints(error);
  }
}

function deviceError(id: string | undefined, { backend }: { backend?: string }): string[] {
  if (backend === "help" || backend === "?") return ["Available chardev backend types:"];
  if (id === undefined) return ["chardev: no id specified"];
  if (backend === undefined) return [`chardev: "${id}" missing backend`];
  return backend === "null" ? [] : [`'${backend}' is not a valid char driver name`];
}

/** QEMU's answer, each warning once as ours are. */
function theirAnswer(answer: unknown): string {
  const lines = String(answer)
    .replace(/^Error: Parsing chardev args failed\n?/m, "")
    .replace(/^Error: /m, "")
    .replace(/(Available chardev backend types:).*/s, "$1")
    .replaceAll(/^warning: (short-form[^]*?' deprecated)\n(Please use [^]*? instead(?:\n|$))/gm, "$1\u0000$2")
    .replaceAll(/^warning: (Using a multiplier .*(?:\n|$))/gm, "$1");
  return [...new Set(lines.trimEnd().split("\n"))].join("\n").replaceAll("\u0000", "\n");
}

describe.runIf(hasQemu)("-chardev, a closed list, compared with QEMU", () => {
  test.each([
    ["written", CHARDEVS],
    ["generated", GENERATED],
  ])(`%s texts`, { timeout: 60_000 }, async (_name, texts) => {
    // What was made is deleted, so that its id is free.
    const commands = texts.flatMap((text) => [
      humanLine(`chardev-add ${quoted(text)}`),
      humanLine(`chardev-remove ${quoted(new OptsList({ name: "" }).add(idOnly(text)).set?.id ?? "zz")}`),
    ]);
    const answers = await askMonitor(commands);
    const differences = texts.flatMap((text, i) => {
      const ours = ourAnswer(text);
      const theirs = theirAnswer(answers[2 * i]);
      return ours === theirs ? [] : [{ text, ours, theirs }];
    });
    expect(differences).toEqual([]);
  });
});

/** The id of a text as a text of its own, if it has a good one. */
function idOnly(text: string): string {
  try {
    const { set } = new OptsList({ name: "" }).add(text);
    return set?.id === undefined ? "" : `id=${set.id}`;
  } catch {
    return "";
  }
}
