import { writeJson, type JsonValue } from "@rehandle/json";
import { describe, expect, test } from "vitest";
import { judge, type Disagreement } from "../testing/differences.ts";
import { messageWithHints } from "../testing/message-of.ts";
import { itemsOf, sample, textsOf } from "../testing/option-texts.ts";
import { hasProgram } from "../testing/qemu.ts";
import { askMonitor, humanLine } from "../testing/qemu-monitor.ts";
import { qemuObjectTypes } from "../testing/qemu-objects.ts";
import { defineOption } from "./define-option.ts";

const hasQemu = hasProgram("qemu-system-x86_64", "qemu-system-x86");

const object = defineOption({
  flag: "--object",
  types: qemuObjectTypes,
  type: "ObjectOptions",
  impliedKey: "qom-type",
  allowHelp: true,
});

/** Arguments of `--object`, dotted keys and JSON. */
const OBJECTS = [
  "authz-list,id=a",
  "qom-type=authz-list,id=a,",
  "id=a,qom-type=authz-list,policy=allow",
  "authz-list,id=a,policy=deny,rules.0.match=x,,y,rules.0.policy=allow",
  "authz-list,id=a,rules.1.match=é €,rules.1.policy=deny,rules.0.match=,rules.0.policy=allow,rules.0.format=glob",
  "authz-list,id=a,rules.00.match=x,rules.00.policy=deny",
  "authz-list,id=a,rules.0.match=x,rules.0.policy=deny,rules.0.match=y,policy=deny,policy=allow",
  "authz-list,id=a,rules.0.match==x=,rules.0.policy=deny",
  "authz-list,id=a,policy=zz",
  "authz-list,id=a,policy=",
  "authz-list,id=a,policy.x=allow",
  "authz-list,id=a,policy=allow,policy.x=deny",
  "authz-list,id=a,policy.x=deny,policy=allow",
  "authz-list,id=a,rules=x",
  "authz-list,id=a,rules=",
  "authz-list,id=a,rules.0=x",
  "authz-list,id=a,rules.x=y",
  "authz-list,id=a,rules.match=x",
  "authz-list,id=a,rules.0.policy=allow",
  "authz-list,id=a,rules.0.match=x",
  "authz-list,id=a,rules.0.match=x,rules.0.policy=zz",
  "authz-list,id=a,rules.0.match=x,rules.0.policy=allow,rules.0.zz=1",
  "authz-list,id=a,rules.0.match=x,rules.0.policy=allow,rules.1.match=y",
  "authz-list,id=a,rules.0.match.x=1,rules.0.policy=allow",
  "authz-list,id=a,rules.0.match.0=1,rules.0.policy=allow",
  "authz-list,id=a,rules.1.match=x,rules.1.policy=allow",
  "authz-list,id=a,rules.0.match=x,rules.2.match=y",
  "authz-list,id=a,rules.0.match=x,rules.x.match=y",
  "authz-list,id=a,rules.0.0=x",
  "authz-list,id=a,rules.4294967296.match=x",
  "authz-list,id=a,rules.0.match=x,rules.0=y",
  "authz-list,id=a,0.match=x",
  "authz-list,id=a,rules..match=x",
  "authz-list,id=a,.rules=x",
  "authz-list,id=a,rules.=x",
  "authz-list,id=a,rules.0x.match=y",
  "authz-list,id=a,rules.-1.match=y",
  "authz-list,id=a,_x=1",
  "authz-list,id=a,__x=1",
  "authz-list,id=a,__x_y=1",
  "authz-list,id=a,__com.redhat_x=1",
  "authz-list,id=a,__com.redhat_x.y=1",
  "authz-list,id=a,__com.red-hat_x-y_z=1",
  "authz-list,id=a,__com redhat_x=1",
  "authz-list,id=a,a.__com.redhat_x=1",
  "authz-list,id=a,x y=1",
  "authz-list,id=a,é=1",
  "authz-list,id=a,a-b_c=1",
  "authz-list,id=a,-a=1",
  "authz-list,id=a,constructor=1",
  "authz-list,id=a,toString.x=1",
  "authz-list,id=a,__proto__=1",
  "authz-list,id=a,zz",
  "authz-list,id=a,zz.y",
  "authz-list,id=a,0",
  "authz-list,id=a,zz..y",
  "authz-list,id=a,zz=1,yy=2",
  "authz-list,id=a,,",
  "authz-list,id=a,,policy=allow",
  "authz-list,id=a,=x",
  "authz-list,,id=a",
  "authz-list",
  "authz-list=",
  "authz-list=x,id=a",
  "authz-list,zz=1",
  "authz-list,id.x=a",
  "authz-list,id=1x",
  "authz-list,id=",
  "authz-list,id=a,id=1x",
  "authz-list,qom-type=secret,id=a",
  "zz,id=a",
  "Authz-list,id=a",
  "authz.list,id=a",
  "",
  ",",
  ",,",
  "=",
  "=x",
  "id=a",
  "qom-type",
  "qom-type=,id=a",
  "qom-type.x=1,id=a",
  "help=1,id=a",
  "helper,id=a",
  "?=x,id=a",
  "authz-list,id=a,help=on",
  "authz-list,id=a,help.x=on",
  "authz-list,id=a,help.",
  `authz-list,id=a,${"x".repeat(127)}=1`,
  `authz-list,id=a,${"x".repeat(128)}=1`,
  `authz-list,id=a,a.${"x".repeat(128)}=1`,
  `authz-list,id=a,${"x".repeat(128)}.a=1`,
  `authz-list,id=a,rules.${"0".repeat(127)}.match=x`,
  `authz-list,id=a,rules.${"0".repeat(128)}.match=x`,
  `authz-list,id=a,__${"x".repeat(124)}_y=1`,
  `authz-list,id=a,__${"x".repeat(125)}_y=1`,
  "iothread,id=a,poll-max-ns=5",
  "iothread,id=a,poll-max-ns=0x10,poll-grow=010,poll-shrink= +7",
  "iothread,id=a,poll-max-ns=9223372036854775807",
  "iothread,id=a,poll-max-ns=9223372036854775808",
  "iothread,id=a,poll-max-ns=-9223372036854775809",
  "iothread,id=a,poll-max-ns=1k",
  "iothread,id=a,poll-max-ns=1.0",
  "iothread,id=a,poll-max-ns=1e3",
  "iothread,id=a,poll-max-ns=",
  "iothread,id=a,poll-max-ns=08",
  "iothread,id=a,poll-max-ns=0x",
  "iothread,id=a,poll-max-ns=5 ",
  "iothread,id=a,poll-max-ns=- 5",
  "iothread,id=a,poll-max-ns.0=5",
  "iothread,id=a,poll-shrink=x,poll-grow=y",
  "iothread,id=a,poll-grow=x,aio-max-batch=y",
  "iothread,id=a,poll-grow=5,aio-max-batch=5,zz=1",
  "main-loop,id=a,poll-grow=5",
  "memory-backend-ram,id=a,size=1M",
  "memory-backend-ram,id=a,size=1.5k",
  "memory-backend-ram,id=a,size=0x10000",
  "memory-backend-ram,id=a,size=1x",
  "memory-backend-ram,id=a,size=",
  "memory-backend-ram,id=a,size=-1",
  "memory-backend-ram,id=a,size=16E",
  "memory-backend-ram,id=a,size=1e3",
  "memory-backend-ram,id=a,size.x=1",
  "memory-backend-ram,id=a",
  "memory-backend-ram,id=a,size=1M,host-nodes=0",
  "memory-backend-ram,id=a,size=1M,host-nodes.0=65536",
  "memory-backend-ram,id=a,size=1M,host-nodes.0=-1",
  "memory-backend-ram,id=a,size=1M,host-nodes.0=x",
  "memory-backend-ram,id=a,size=1M,host-nodes.0.x=1",
  "memory-backend-ram,id=a,size=1M,host-nodes.1=0",
  "memory-backend-ram,id=a,size=1M,prealloc-threads=-1",
  "memory-backend-ram,id=a,size=1M,prealloc-threads=4294967296",
  "memory-backend-ram,id=a,size=1M,prealloc-threads=-18446744073709551615",
  "memory-backend-ram,id=a,size=1M,dump=maybe",
  "memory-backend-ram,id=a,size=1M,dump=On",
  "memory-backend-ram,id=a,size=1M,dump=1",
  "memory-backend-ram,id=a,size=1M,dump=y,merge=n,share=true,reserve=yes",
  "memory-backend-ram,id=a,size=1M,dump.x=on",
  "memory-backend-ram,id=a,size=1M,policy=zz",
  "memory-backend-ram,id=a,size=x,policy=zz,dump=zz",
  "secret,id=a,data=x",
  "secret,id=a,data=x,format=zz",
  "secret,id=a,data=x,format=raw,format=base64",
  "secret,id=a,data.x=y",
  "secret,id=a,data=x,loaded=zz",
  "throttle-group,id=a,limits.iops-total=5,limits.iops-size=4",
  "throttle-group,id=a,limits=x",
  "throttle-group,id=a,limits.0=x",
  "throttle-group,id=a,limits.zz=1",
  "throttle-group,id=a,limits.iops-total=x",
  "throttle-group,id=a,limits.iops-total.x=1",
  "throttle-group,id=a,limits.iops-total=1,limits.x.y=1",
  '{"qom-type":"authz-list","id":"a"}',
  "{'qom-type':'authz-list','id':'a','policy':'allow'}",
  '{"qom-type":"authz-list","id":"a","rules":[]}',
  '{"qom-type":"authz-list","id":"a","rules":[{"match":"\\u00e9\\n","policy":"deny","format":"exact"}]}',
  '{"qom-type":"authz-list","id":"a","rules":{}}',
  '{"qom-type":"authz-list","id":"a","rules":"x"}',
  '{"qom-type":"authz-list","id":"a","rules":null}',
  '{"qom-type":"authz-list","id":"a","rules":[null]}',
  '{"qom-type":"authz-list","id":"a","rules":[[]]}',
  '{"qom-type":"authz-list","id":"a","rules":[{}]}',
  '{"qom-type":"authz-list","id":"a","rules":[{"match":"x"}]}',
  '{"qom-type":"authz-list","id":"a","rules":[{"match":5,"policy":"deny"}]}',
  '{"qom-type":"authz-list","id":"a","rules":[{"match":"x","policy":"zz"}]}',
  '{"qom-type":"authz-list","id":"a","rules":[{"match":"x","policy":5}]}',
  '{"qom-type":"authz-list","id":"a","rules":[{"match":"x","policy":"deny"},{"match":"x","policy":"deny","zz":1}]}',
  '{"qom-type":"authz-list","id":"a","policy":{}}',
  '{"qom-type":"authz-list","id":"a","policy":["deny"]}',
  '{"qom-type":"authz-list","id":"a","rules.0":1}',
  '{"qom-type":"authz-list","id":"a","":1}',
  '{"qom-type":"authz-list","id":"a","__proto__":1}',
  '{"qom-type":"authz-list","id":"a","constructor":null}',
  '{"qom-type":"authz-list","id":"a","policy":"allow","policy":"deny"}',
  '{"qom-type":"authz-list"}',
  '{"id":"a"}',
  "{}",
  '{"qom-type":5,"id":"a"}',
  '{"qom-type":null,"id":"a"}',
  '{"qom-type":"zz","id":"a"}',
  '{"qom-type":"authz-list","id":5}',
  '{"qom-type":"authz-list","id":true}',
  '{"qom-type":"authz-list","id":null}',
  '{"qom-type":"authz-list","id":["a"]}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":5}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":"5"}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":5.0}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":5e0}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":-0}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":9223372036854775807}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":9223372036854775808}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":18446744073709551616}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":-9223372036854775809}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":true}',
  '{"qom-type":"iothread","id":"a","poll-max-ns":[5]}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576}',
  '{"qom-type":"memory-backend-ram","id":"a","size":"1M"}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1.5}',
  '{"qom-type":"memory-backend-ram","id":"a","size":18446744073709551616}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"host-nodes":[65536]}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"host-nodes":[-1]}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"host-nodes":["0"]}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"host-nodes":[0,{}]}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"prealloc-threads":4294967296}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"prealloc-threads":"x"}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"dump":"on"}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"dump":1}',
  '{"qom-type":"memory-backend-ram","id":"a","size":1048576,"dump":null}',
  '{"qom-type":"throttle-group","id":"a","limits":{"iops-total":"5"}}',
  '{"qom-type":"throttle-group","id":"a","limits":[]}',
  '{"qom-type":"throttle-group","id":"a","limits":{"zz":5}}',
  '{"qom-type":"secret","id":"a","data":"x","format":"zz"}',
  '{"qom-type":"secret","id":"a","data":5}',
];

const KEYS = [
  "qom-type",
  "id",
  "policy",
  "rules",
  "rules.0",
  "rules.0.match",
  "rules.0.policy",
  "rules.1.match",
  "rules.1.policy",
  "rules.2.match",
  "rules.x",
  "rules.00.format",
  "zz",
  "",
  "a..b",
  "__x.y_z",
  "0",
];
const VALUES = ["authz-list", "a", "allow", "deny", "exact", "glob", "zz", "", "x,,y", ",,", "x=y", "5"];
const KEYVAL = [
  ...sample(itemsOf(KEYS, VALUES, ["", "zz", "a.b", "a.0x", "policy", "rules."]), 250).map(
    (text) => `authz-list,id=a,${text}`,
  ),
  ...sample(itemsOf(KEYS, VALUES, ["authz-list", "", "zz", "policy"]), 150),
  ...sample(textsOf(["rules", "policy", "id", "0", "match", "a"], [".", "=", ",", ",,"]), 200),
];
const JSON_WORDS = ['"qom-type"', '"authz-list"', '"id"', '"a"', '"rules"', '"policy"', "'deny'", "5", "null", "true"];
const JSON_SIGNS = ["{", "}", "[", "]", ":", ",", ",", ":", " ", "-", "1e5", "0.5", '"', "\\u00e9", "'"];
const JSON_TEXTS = [
  ...sample(textsOf(JSON_WORDS, JSON_SIGNS, 10), 250).map((text) => `{${text}`),
  ...sample(textsOf(JSON_WORDS, JSON_SIGNS, 6), 250).map(
    (text) => `{"qom-type":"authz-list","id":"a","policy":${text}}`,
  ),
];

type Answer = { readonly error: string } | { readonly value: Readonly<Record<string, unknown>> };

function ourAnswer(text: string): Answer {
  try {
    const parsed = object.parse(text);
    return parsed.kind === "help" ? { error: "help" } : { value: parsed.value };
  } catch (error) {
    return { error: messageWithHints(error) };
  }
}

/** What comes of the objects themselves when they are made. */
const IS_BEHIND = /^(?:Parameter 'id' expects an identifier|Either 'file' or|Property |property |cannot|Unable)/;

describe.runIf(hasQemu)("--object, dotted keys and JSON, compared with QEMU", () => {
  test.each([
    ["written arguments", OBJECTS, ["order"]],
    ["generated dotted keys", KEYVAL, []],
    ["generated JSON", JSON_TEXTS, []],
  ])("%s", { timeout: 60_000 }, async (_name, all, differences) => {
    const texts = all.filter((text) => text.trim() === text);
    const answers = await askMonitor(
      texts.flatMap((text) => [
        humanLine(`object_add ${text === "" ? "," : text}`),
        { execute: "qom-get", arguments: { path: "/objects/a", property: "policy" } },
        { execute: "qom-get", arguments: { path: "/objects/a", property: "rules" } },
        { execute: "object-del", arguments: { id: "a" } },
      ]),
    );
    const disagreements = texts.flatMap((text, i): Disagreement[] => {
      const [added = "", policy = null, rules = null] = answers.slice(4 * i, 4 * i + 3);
      const message = (typeof added === "string" ? added : "").replace(/^Error: /, "");
      const theirs = message.startsWith("List of user creatable") || / options:$/m.test(message) ? "help" : message;
      const ours = ourAnswer(text === "" ? "," : text);
      if ("error" in ours) return ours.error === theirs ? [] : [{ text, ours: ours.error, theirs }];
      if (theirs !== "") return IS_BEHIND.test(theirs) ? [] : [{ text, ours: ours.value, theirs }];
      if (ours.value["qom-type"] !== "authz-list" || ours.value["id"] !== "a") return [];
      const ourPolicy = (ours.value["policy"] ?? "deny") as JsonValue;
      const ourRules = ours.value["rules"] ?? [];
      const isSame = writeJson(policy) === writeJson(ourPolicy) && isEqual(rules, ourRules);
      return isSame ? [] : [{ text, ours: ours.value, theirs: { policy, rules } }];
    });
    expect(judge(disagreements)).toEqual({ unexplained: [], seen: differences });
  });
});

function isEqual(a: unknown, b: unknown): boolean {
  try {
    expect(structuredClone(a)).toMatchObject(structuredClone(b) as object);
    return true;
  } catch {
    return false;
  }
}
