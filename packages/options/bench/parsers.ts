/**
 * What the option parsers cost: ns of CPU time and bytes of heap for each argument of a command line. Run:
 * node --expose-gc --conditions=@rehandle/source packages/options/bench/parsers.ts
 */
import {
  defineOption,
  parseDrive,
  parseFileName,
  parseKeyval,
  parseQemuOpts,
  parseSize,
  unflatten,
} from "../src/index.ts";

const ROUNDS = 7;
/** How long one measurement takes, about, ms of CPU time. */
const LENGTH = 60;
/** Few enough for no collection to come between. */
const HEAP_CALLS = 30;

const types = {
  Driver: { enum: ["file", "rehandle", "nbd"] },
  File: { struct: { filename: "str" } },
  Address: { struct: { type: "str", path: "str" } },
  Nbd: { struct: { server: "Address", "*export": "str" } },
  Rehandle: { struct: { file: "Node", "*iohang-timeout": { type: "uint32", default: 0 } } },
  Options: {
    union: { driver: "Driver", "*node-name": "str", "*read-only": "bool" },
    discriminator: "driver",
    branches: { file: "File", rehandle: "Rehandle", nbd: "Nbd" },
  },
  Node: { alternate: { definition: "Options", reference: "str" } },
} as const;

const blockdev = defineOption({ flag: "--blockdev", types, type: "Options", impliedKey: "driver" });
const SHORT = "file,node-name=disk,filename=/var/lib/disk.img";
const NESTED =
  "rehandle,node-name=disk,iohang-timeout=60,file.driver=nbd,file.server.type=unix,file.server.path=/run/a.sock,file.export=disk";
const JSON_FORM =
  '{"driver":"rehandle","node-name":"disk","iohang-timeout":60,"file":{"driver":"nbd","server":{"type":"unix","path":"/run/a.sock"},"export":"disk"}}';
const DRIVE = "file=nbd://host/vol,format=raw,cache=none,iohang-timeout=60,werror=stop";
const FLAT = new Map([
  ["driver", "nbd"],
  ["server.type", "unix"],
  ["server.path", "/run/a.sock"],
]);
const WRONG = "rehandle,file=disk0,iohang_timeout=60";

/** Each returns something, so that nothing is optimised away. */
const subjects: readonly { readonly name: string; readonly parse: () => unknown }[] = [
  { name: "keyval to a tree, 3 keys", parse: () => parseKeyval(SHORT, { impliedKey: "driver" }) },
  { name: "keyval to a tree, 7 keys, nested", parse: () => parseKeyval(NESTED, { impliedKey: "driver" }) },
  { name: "--blockdev, 3 keys", parse: () => blockdev.parseValue(SHORT) },
  { name: "--blockdev, 7 keys, nested", parse: () => blockdev.parseValue(NESTED) },
  { name: "--blockdev, the same as JSON", parse: () => blockdev.parseValue(JSON_FORM) },
  { name: "--blockdev, refused with a hint", parse: refused },
  { name: "-drive", parse: () => parseDrive(DRIVE) },
  { name: "older syntax, 4 keys", parse: () => parseQemuOpts("socket,id=qmp,path=/run/a.sock,server=on") },
  { name: "file name, nbd+unix", parse: () => parseFileName("nbd+unix:///disk?socket=/run/a.sock") },
  { name: "flat options to a tree", parse: () => unflatten(FLAT) },
  { name: "size", parse: () => parseSize("1.5G", "size") },
];

function refused(): unknown {
  try {
    return blockdev.parseValue(WRONG);
  } catch (error) {
    return error;
  }
}

/** The last result, which keeps the calls from being optimised away. */
let last: unknown = null;

/** ns for one call. */
function cpuTime(parse: () => unknown, calls: number): number {
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) last = parse();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / calls;
}

/** Bytes of heap for one call. */
function heap(parse: () => unknown): number {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let call = 0; call < HEAP_CALLS; call += 1) last = parse();
  return Math.max(0, process.memoryUsage().heapUsed - before) / HEAP_CALLS;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

// Warms up, and finds out how many calls make one measurement.
const calls = subjects.map(({ parse }) => {
  cpuTime(parse, 10_000);
  return Math.ceil((LENGTH * 1e6) / cpuTime(parse, 10_000));
});
const results = subjects.map(() => ({ ns: [] as number[], bytes: [] as number[] }));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [at, { parse }] of subjects.entries()) {
    results[at]!.ns.push(cpuTime(parse, calls[at]!));
    results[at]!.bytes.push(heap(parse));
  }
}
if (last === null) throw new Error("unreachable");
console.log(`one argument each, median of ${ROUNDS} rounds in turns`);
for (const [at, { name }] of subjects.entries()) {
  const { ns, bytes } = results[at]!;
  console.log(
    `${name.padEnd(42)} ${median(ns).toFixed(1).padStart(9)} ns  ${median(bytes).toFixed(2).padStart(9)} bytes of heap`,
  );
}
