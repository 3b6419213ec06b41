import { describe, expect, test } from "vitest";
import {
  converse,
  hasQemu,
  hasStorageDaemon,
  monitorOf,
  QEMU,
  STORAGE_DAEMON,
  type Peer,
} from "../testing/qemu-monitor.ts";
import { qemuSchema } from "../testing/qemu-schema.ts";
import { QmpError } from "./qmp-error.ts";
import { createQmpServer } from "./qmp-server.ts";

/** Our server, with what QEMU's daemon would do behind the few commands that get that far. */
function startOurs(onText: (text: string) => void): Peer {
  const server = createQmpServer({
    schema: qemuSchema,
    version: { major: 7, minor: 2, micro: 22 },
    clock: { realtime: () => 0 },
    commands: {
      "query-block-exports": () => [],
      "query-named-block-nodes": () => [],
      "block-export-del": ({ id }) => {
        throw new QmpError(`Export '${id}' is not found`);
      },
      "nbd-server-start": () => {},
      "nbd-server-stop": () => {
        throw new QmpError("NBD server not running");
      },
      "blockdev-add": () => {
        throw new QmpError("'node-name' must be specified for the root node");
      },
      "query-yank": () => {},
    },
  });
  const session = server.attach({
    write: (bytes) => onText(String.fromCharCode(...bytes)),
    pendingBytes: () => 0,
    end: () => {},
    destroy: () => {},
  });
  return { send: (bytes) => session.receive(bytes), close: () => server.close() };
}

/** In latin1: each character is a byte. */
const NEGOTIATION = [
  '{"execute":"query-version"}',
  '{"execute":"zz","id":1}',
  '{"execute":1}',
  '{"exec-oob":"query-version"}',
  "[]",
  '{"execute":"qmp_capabilities","arguments":{"enable":["zz"]}}',
  '{"execute":"qmp_capabilities","arguments":{"enable":5}}',
  '{"execute":"qmp_capabilities","arguments":{"enable":[5]}}',
  '{"execute":"qmp_capabilities","arguments":{"x":5}}',
  '{"execute":"qmp_capabilities","arguments":5}',
  '{"execute":"qmp_capabilities"}{"execute":"qmp_capabilities"}',
];

const READY = [
  '{"execute":"qmp_capabilities"}',
  '{"execute":"query-version"}',
  '{"execute":"query-block-exports"}',
  `{'execute':'query-block-exports','id':'x'}`,
  '{"execute":"query-block-exports","arguments":{}}',
  '{"execute":"query-block-exports","arguments":{"a":1}}',
  '{"execute":"query-block-exports","foo":1}',
  '{"execute":"query-block-exports","arguments":null}',
  '{"execute":null}',
  '{"execute":"x","execute":"y"}',
  '{"execute":"","id":null}',
  '{"execute":"x\\"y"}',
  '{"exec-oob":"zz"}',
  '{"arguments":{}}',
  "{}",
  '{"id":5}',
  "5 ",
  '"x"',
  "null\n",
  "1e5\n",
  "-\n",
  "01\n",
  "nan\n",
  "'abc",
  "{",
  "}",
  "]",
  '{"id":[1}',
  '{"id":(1)}',
  '{"id":TRUE}',
  '{"id":tru}',
  '{"id":truex}',
  '{"id":1.}',
  '{"id":.5}',
  '{"id":-}',
  '{"id":+1}',
  '{"id":0e1}',
  '{"id":1e}',
  '{"id" 1}',
  '{"id":1,}',
  '{"id":1 "x":2}',
  "{id:1}",
  '{"id":[1,]}',
  '{"id":[,]}',
  '{"id":[1 2]}',
  '{"id":{"a":1,"a":2}}',
  '{"a":"x\x01"}',
  '{"a":"\x7f"}',
  '{"a":"\t"}',
  '{"a":"\\x"}',
  '{"a":"\\u12"}',
  '{"a":"\\u12zz"}',
  '{"a":"\\ud800"}',
  '{"a":"\\ud800\\u0041"}',
  '{"a":"\\udc00"}',
  '{"a":"\\ufffe"}',
  '{"a":"\x80"}',
  '{"a":"\xc0\xaf"}',
  '{"a":"\xed\xa0\x80"}',
  '{"a":"\xef\xbf\xbe"}',
  '{"a":"\xf4\x90\x80\x80"}',
  '{"a":"\xc3"}',
  '{"execute":"zz","id":"\\u0000\xc0\x80\xc3\xa9\\u00e9\\ud83d\\ude00\xf0\x9f\x98\x80\\/\\b\\f\\n\\r\\t\x7f\\\'"}',
  '{"execute":"zz","id":18446744073709551615}',
  '{"execute":"zz","id":18446744073709551616}',
  '{"execute":"zz","id":-9223372036854775808}',
  '{"execute":"zz","id":-9223372036854775809}',
  '{"execute":"zz","id":9007199254740993}',
  '{"execute":"zz","id":[1e3,1.0,0.1,-0.0,-0,1e-5,1e17,123456789.123,5e-324,1e300]}',
  '{"execute":"zz","id":{"a":[1,null,true,{}]}}',
  '{"execute":"query-version","arguments":[]}',
  '{"execute":"block-export-del"}',
  '{"execute":"block-export-del","arguments":{"id":5}}',
  '{"execute":"block-export-del","arguments":{"id":"x"}}',
  '{"execute":"block-export-del","arguments":{"id":"x","mode":"zz"}}',
  '{"execute":"block-export-del","arguments":{"id":"x","mode":1}}',
  '{"execute":"block-export-del","arguments":{"id":"x","zz":1}}',
  '{"execute":"query-named-block-nodes","arguments":{"flat":1}}',
  '{"execute":"query-named-block-nodes","arguments":{"flat":"on"}}',
  '{"execute":"nbd-server-stop"}',
  '{"execute":"nbd-server-start"}',
  '{"execute":"nbd-server-start","arguments":{"addr":"x"}}',
  '{"execute":"nbd-server-start","arguments":{"addr":[]}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"zz"}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"unix"}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"unix","data":{"path":5}}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"unix","data":{"path":"x","y":1}}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"inet","data":{"host":"x","port":"1","to":65536}}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"inet","data":{"host":"x","port":"1","to":-1}}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"inet","data":{"host":"x","port":"1","to":"1"}}}}',
  '{"execute":"nbd-server-start","arguments":{"addr":{"type":"unix","data":{"path":"x"}},"max-connections":1.5}}',
  '{"execute":"blockdev-add","arguments":{"driver":"null-co","size":1.0}}',
  '{"execute":"blockdev-add","arguments":{"driver":"null-co","size":9223372036854775808}}',
  '{"execute":"blockdev-add","arguments":{"driver":"null-co","latency-ns":"x"}}',
  '{"execute":"blockdev-add","arguments":{"driver":"raw","file":5}}',
  '{"execute":"blockdev-add","arguments":{"driver":"raw","file":{"driver":"zz"}}}',
  '{"execute":"blockdev-add","arguments":{"driver":"quorum","vote-threshold":1,"children":["a",5]}}',
  '{"execute":"blockdev-add","arguments":{"driver":"quorum","vote-threshold":1,"children":[{"driver":"null-co","x":1}]}}',
  '{"execute":"blockdev-add","arguments":{"driver":"null-co","read-only":1}}',
  '{"execute":"blockdev-add","arguments":{"driver":"null-co"}}',
  `{"id":${"x".repeat(1005)}}`,
  `{"id":${"x".repeat(3000)}}`,
  `{"id":${"[".repeat(1024)}`,
];

const OUT_OF_BAND = [
  '{"exec-oob":"query-yank"}',
  '{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}',
  '{"exec-oob":"query-version","id":1}',
  '{"exec-oob":"qmp_capabilities"}',
  '{"exec-oob":"zz","id":null}',
  '{"exec-oob":1,"id":[]}',
  '{"exec-oob":"query-version","arguments":5}',
  '{"exec-oob":"query-version","x":1}',
  '{"exec-oob":"zz","execute":"zz"}',
  "{'exec-oob':'query-version'}",
  '{"exec-oob":"query-version"',
  // Alone: in QEMU the reply to what comes behind it out of band may come before or after its error.
  '{"exec-oob":tru}',
  '{"execute":"query-version","id":"in band"}',
];

/** The one thing that is each server's own. */
function withoutVersion(line: string): string {
  return line.replace(/\{"package": "[^"]*", "qemu": \{[^}]*\}\}/, "VERSION");
}

/** Where we differ on purpose; the README says why. */
const DIFFERENT = [
  {
    text: '{"execute":"zz","exec-oob":"zz"}',
    theirs: "QMP input member 'execute' clashes with 'exec-oob'",
    ours: "QMP input member 'exec-oob' clashes with 'execute'",
  },
  {
    text: '{"foo":1,"execute":1}',
    theirs: "QMP input member 'execute' must be a string",
    ours: "QMP input member 'foo' is unexpected",
  },
  { text: '{"execute":"zz","id":1e999}', theirs: '"id": inf', ours: "number out of range" },
  { text: `'${"x".repeat(1024)}\x01`, theirs: `'${"x".repeat(1024)}\\u0001'`, ours: `'${"x".repeat(1023)}'` },
];

describe.each([
  { program: STORAGE_DAEMON, isThere: hasStorageDaemon() },
  { program: QEMU, isThere: hasQemu() },
])("QMP, compared with $program", ({ program, isThere }) => {
  test.runIf(isThere).each([
    ["before and during the negotiation", NEGOTIATION],
    ["after it", READY],
    ["after it, with oob", OUT_OF_BAND],
  ])("%s", { timeout: 60_000 }, async (_name, texts) => {
    const [theirs, ours] = await Promise.all([converse(texts, monitorOf(program)), converse(texts, startOurs)]);
    const pairs = (answers: readonly string[][]): unknown[] =>
      ["greeting", ...texts].map((text, i) => ({ text, answer: answers[i]?.map(withoutVersion) }));
    expect(pairs(ours)).toEqual(pairs(theirs));
  });
});

test.runIf(hasQemu())("what differs from QEMU on purpose", async () => {
  const texts = ['{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}', ...DIFFERENT.map(({ text }) => text)];
  const [theirs, ours] = await Promise.all([converse(texts, monitorOf(QEMU)), converse(texts, startOurs)]);
  for (const [i, expected] of DIFFERENT.entries()) {
    expect(theirs[i + 2]?.[0]).toContain(expected.theirs);
    expect(ours[i + 2]?.[0]).toContain(expected.ours);
  }
});
