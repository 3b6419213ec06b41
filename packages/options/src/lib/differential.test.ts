import { describe, expect, test } from "vitest";
import { forAll, hasProgram, qemuBlockdevError, qemuCreateError, qemuFileNameError } from "../testing/qemu.ts";
import { qemuTypes } from "../testing/qemu-types.ts";
import { defineOption } from "./define-option.ts";
import { parseFileName } from "./file-name.ts";
import { isOptionError } from "./option-error.ts";
import { readOpts } from "./opt-description.ts";
import { parseQemuOpts } from "./qemu-opts.ts";

const hasDaemon = hasProgram("qemu-storage-daemon", "qemu-system-common");
const hasImg = hasProgram("qemu-img", "qemu-utils");

/** Our message, without the hint that QEMU does not have; undefined if there is none. */
function messageOf(run: () => unknown, whole = false): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!isOptionError(error)) throw error;
    const hints = error.hints.filter((hint) => !hint.startsWith("Did you mean"));
    return whole ? [error.message, ...hints].join("\n") : error.message;
  }
}

const blockdev = defineOption({ flag: "--blockdev", types: qemuTypes, type: "BlockdevOptions", impliedKey: "driver" });

/** Arguments that QEMU opens if it takes them; all of them without touching a file. */
const BLOCKDEVS = [
  "null-co,node-name=a",
  "driver=null-co,node-name=a,size=0x10000,read-only=on,cache.direct=y,",
  "null-co,node-name=a,discard=unmap,detect-zeroes=unmap,read-only=on,force-share=on",
  "raw,node-name=a,file.driver=null-co,file.size=1048576,size=010000",
  "quorum,node-name=a,vote-threshold=1,children.0.driver=null-co,children.1.driver=null-co,children.00.driver=null-co",
  '{"driver":"null-co","node-name":"a","size":65536}',
  `{'driver':'null-co','node-name':'\\u0061','size':65536}`,
  '{"driver":"raw","node-name":"a","file":{"driver":"null-co"}}',
  "null-co,node-name=a,size=-0,latency-ns=-18446744073709551615",
  "",
  ",",
  ",,",
  "=",
  "=x",
  "null-co,",
  "null-co,,",
  "null-co,,x=1",
  "null-co=",
  " {}",
  "{}",
  "node-name=x",
  "driver",
  "driver=",
  "driver=null-co,driver",
  "driver=zz",
  "help",
  "?",
  "null-co,help",
  "null-co,help=1",
  "null-co,helper",
  "null-co,zzz=1",
  "null-co,size=1.5k",
  "null-co,size=",
  "null-co,size= 5",
  "null-co,size=5 ",
  "null-co,size=9223372036854775808",
  "null-co,size=-9223372036854775809",
  "null-co,size=0x",
  "null-co,size=08",
  "null-co,size=+-5",
  "null-co,latency-ns=18446744073709551616",
  "null-co,latency-ns=zz",
  "null-co,size.x=2",
  "null-co,size=1,size.x=2",
  "null-co,size.x=2,size=1",
  "null-co,size.0=2,size.x=1",
  "null-co,size.1=2",
  "null-co,size.0x=2",
  "null-co,size..x=2",
  "null-co,.size=2",
  "null-co,size.=2",
  "null-co,0=2",
  "null-co,_x=2",
  "null-co,a._x=2",
  "null-co,__com.redhat_x=2",
  "null-co,__com.redhat_x.y=2",
  "null-co,__com.redhat=2",
  "null-co,é=2",
  "null-co,a b=2",
  "null-co,read-only=maybe",
  "null-co,read-only=TRUE",
  "null-co,read-only",
  "null-co,cache=x",
  "null-co,cache.direct=maybe",
  "null-co,cache.x=on",
  "null-co,discard=x,detect-zeroes=x",
  "null-co,detect-zeroes=x,read-only=x",
  `null-co,${"x".repeat(127)}=1`,
  `null-co,${"x".repeat(128)}=1`,
  `null-co,a.${"x".repeat(128)}=1`,
  `null-co,${"x".repeat(128)}.a=1`,
  "raw",
  "raw,file.0=x",
  "raw,file.driver=zz",
  "raw,file.driver=null-co,file.zz=1",
  "raw,file.driver=null-co,file=x",
  "quorum,node-name=a,vote-threshold=1,children.0.driver=null-co,children.1.driver=zz",
  "quorum,node-name=a,vote-threshold=1,children.0.driver=null-co,children.2.driver=null-co",
  "quorum,node-name=a,vote-threshold=1,children=x",
  "quorum,node-name=a,children.0.driver=null-co,children.1.driver=null-co,children.1.zz=1,vote-threshold=1",
  "copy-before-write,file=a,target=b,cbw-timeout=-1",
  "copy-before-write,file=a,target=b,cbw-timeout=4294967296",
  "copy-before-write,file=a,target=b,cbw-timeout=x",
  "copy-before-write,file=a,target=b,on-cbw-error=x",
  "blkdebug,image=x,inject-error.0.event=zz",
  "blkdebug,image=x,inject-error.0.event=read_aio,inject-error.0.once=2",
  "blkdebug,image=x,inject-error.1.event=read_aio",
  "nbd,server.type=inet,server.host=h",
  "nbd,server.type=zz",
  "nbd,server.type=unix,server.path=x,server.host=y",
  "nbd,server=x",
  "nbd,server.type=inet,server.host=h,server.port=1,server.to=65536",
  '{"driver":"null-co"',
  '{"driver":"null-co"}x',
  '{"driver":"null-co"} {}',
  '{"driver":"null-co",}',
  '{"driver" "null-co"}',
  '{"driver":}',
  "{5:1}",
  "{[}",
  '{"a":1]',
  '{"a":[1 2]}',
  '{"a":[1,]}',
  '{"a":TRUE}',
  '{"a":tru}',
  '{"a":0e1}',
  '{"a":01}',
  '{"a":-}',
  '{"a":1.}',
  '{"a',
  '{"a":"\\x"}',
  '{"a":"\\u12x"}',
  '{"a":"\\ud800"}',
  '{"a":"\\ud800\\u0041"}',
  '{"a":"\\ufffe"}',
  '{"a":1,"a":2}',
  "{'a':'\t'}",
  `{"a":${"[".repeat(1024)}`,
  '{"driver":"null-co","size":1.0}',
  '{"driver":"null-co","size":1e3}',
  '{"driver":"null-co","size":"x"}',
  '{"driver":"null-co","size":9223372036854775808}',
  '{"driver":"null-co","latency-ns":18446744073709551616}',
  '{"driver":"null-co","latency-ns":true}',
  '{"driver":"null-co","size":{"x":2}}',
  '{"driver":"null-co","size":null}',
  '{"driver":null}',
  '{"driver":5}',
  '{"driver":"null-co","read-only":"on"}',
  '{"driver":"null-co","node-name":5}',
  '{"driver":"null-co","cache":{"direct":1}}',
  '{"driver":"null-co","cache":[]}',
  '{"driver":"raw","file":5}',
  '{"driver":"raw","file":null}',
  '{"driver":"quorum","vote-threshold":1,"children":[{"driver":"null-co"},5]}',
  '{"driver":"quorum","vote-threshold":1,"children":[{"driver":"null-co"},{"driver":"null-co","size":"x"}]}',
  '{"driver":"quorum","vote-threshold":1,"children":{"driver":"null-co"}}',
  '{"driver":"copy-before-write","cbw-timeout":-1,"file":"a","target":"b"}',
  '{"driver":"copy-before-write","cbw-timeout":"x","file":"a","target":"b"}',
  '{"driver":"null-co","__proto__":1}',
];

/** Every argument above must be taken by both or refused by both, in the same words. */
describe.runIf(hasDaemon)("--blockdev, compared with qemu-storage-daemon", () => {
  test(`${BLOCKDEVS.length} arguments`, { timeout: 60_000 }, async () => {
    expect.hasAssertions();
    const differences: unknown[] = [];
    await forAll(BLOCKDEVS, async (argument) => {
      const theirs = await qemuBlockdevError(argument);
      const ours = messageOf(() => blockdev.parseValue(argument));
      if (ours !== theirs) differences.push({ argument, ours, theirs });
    });
    expect(differences).toEqual([]);
  });
});

/** What `qemu-img create -f raw -o` knows, of which the closed list is made here too. */
const RAW_OPTIONS = {
  size: { type: "size" },
  preallocation: { type: "str" },
  nocow: { type: "bool" },
  extent_size_hint: { type: "size" },
} as const;

const OPTION_LISTS = [
  "size=1M",
  "size=1M,,",
  "size=1M,nocow=off",
  "size=1M,nocow=maybe",
  "size=1M,nonocow",
  "size=1M,noid",
  "size=1M,id=x",
  "size=1M,size=2x",
  "size=2x,size=1M",
  "size",
  "nosize",
  "size=1M,zz=1",
  "size=1M,Size=1",
  "size=1M,a b=1",
  "size=1M, nocow=off",
  "size=1M,nocow=off ",
  "size=1M,x=y=z",
  "size=99999999999T",
];

describe.runIf(hasImg)("QemuOpts, compared with qemu-img create -o", () => {
  test(`${OPTION_LISTS.length} lists`, { timeout: 60_000 }, async () => {
    const differences: unknown[] = [];
    await forAll(OPTION_LISTS, async (list) => {
      const theirs = await qemuCreateError(list);
      const ours = messageOf(() => {
        readOpts(RAW_OPTIONS, parseQemuOpts(list, { known: RAW_OPTIONS }).options);
      }, true);
      if (ours !== theirs) differences.push({ list, ours, theirs });
    });
    expect(differences).toEqual([]);
  });
});

const FILE_NAMES = [
  "nbd:",
  "nbd:localhost",
  "nbd:localhost:1",
  "nbd:localhost:1:exportname=",
  "nbd:localhost:1:exportname=a:b",
  "nbd:localhost:",
  "nbd:localhost:1,ipv4=on",
  "nbd:unix:/nonexistent/s",
  "nbd:unix:/nonexistent/s:exportname=x",
  "nbd:[::1]:1",
  "nbd:[::1",
  "nbd:[::1]",
  "nbd://",
  "nbd:///x",
  "nbd://localhost:1/a",
  "nbd://localhost:1/a?x=1",
  "nbd://localhost:1/a%20b",
  "nbd://localhost:x/a",
  "nbd://user@localhost:1/",
  "nbd+unix:///x",
  "nbd+unix:///x?socket=/nonexistent/s",
  "nbd+unix://h/x?socket=/nonexistent/s",
  "nbd+unix:///x?socket=/nonexistent/s&y=1",
  "nbd+tcp://localhost:1",
  "nbd+ssh://localhost:1",
  "zz:foo",
  "./a:b",
  "/a:b",
  "a/b:c",
  "file:/nonexistent",
  "json:",
  "json:{",
  "json:5x",
  "json:[]",
  'json:"x"',
  'json:{"driver":"null-co"}x',
  'json:{"a":1,"a":2}',
];

describe.runIf(hasImg)("file names, compared with qemu-img info", () => {
  test(`${FILE_NAMES.length} names`, { timeout: 60_000 }, async () => {
    const differences: unknown[] = [];
    await forAll(FILE_NAMES, async (name) => {
      const theirs = await qemuFileNameError(name);
      const ours = messageOf(() => parseFileName(name));
      if (ours !== theirs) differences.push({ name, ours, theirs });
    });
    expect(differences).toEqual([]);
  });
});
