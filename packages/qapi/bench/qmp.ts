/**
 * What a monitor costs: ns of CPU time and bytes of heap for each message, as JSON, against the schema, and through the server.
 * Run: node --expose-gc --conditions=@rehandle/source packages/qapi/bench/qmp.ts
 */
import { JsonStream, writeJson, type JsonValue } from "@rehandle/json";
import { checkArguments, createQmpServer, rehandleSchema } from "../src/index.ts";

const ROUNDS = 7;
/** How long one measurement takes, about, ms of CPU time. */
const LENGTH = 60;
/** Few enough for no collection to come between. */
const HEAP_CALLS = 30;

const SHORT = '{"execute":"query-rehandle","id":7}\n';
const LONG =
  '{"execute":"blockdev-add","arguments":{"driver":"rehandle","node-name":"disk","iohang-timeout":60,"file":{"driver":"nbd",' +
  '"server":{"type":"unix","path":"/run/a.sock"},"export":"disk"}},"id":"libvirt-42"}\n';
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const [short, long, broken] = [SHORT, LONG, '{"execute":}\n'].map(encode) as [Uint8Array, Uint8Array, Uint8Array];

/** The last result, which keeps the calls from being optimised away. */
let last: unknown = null;
const keep = (result: unknown): void => {
  last = result;
};
const stream = new JsonStream({ value: keep, error: keep });
const command = JSON.parse(LONG) as { arguments: Record<string, JsonValue> };
const server = createQmpServer({
  schema: rehandleSchema,
  version: { major: 7, minor: 2, micro: 0 },
  clock: { realtime: () => 0 },
  commands: { "query-rehandle": () => [] },
});
const nothing = (): void => undefined;
const session = server.attach({ write: keep, pendingBytes: () => 0, end: nothing, destroy: nothing });
session.receive(encode('{"execute":"qmp_capabilities"}\n'));

const subjects: readonly { readonly name: string; readonly run: () => void }[] = [
  { name: "JSON read, a command of 35 bytes", run: () => stream.feed(short) },
  { name: "JSON read, a command of 203 bytes", run: () => stream.feed(long) },
  { name: "JSON read, refused", run: () => stream.feed(broken) },
  { name: "JSON written, 146 bytes", run: () => keep(writeJson(command.arguments)) },
  {
    name: "arguments of blockdev-add checked",
    run: () => keep(checkArguments(rehandleSchema, "blockdev-add", command.arguments)),
  },
  { name: "a command and its reply, by the server", run: () => session.receive(short) },
];

/** ns for one call. */
function cpuTime(run: () => void, calls: number): number {
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) run();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / calls;
}

/** Bytes of heap for one call. */
function heap(run: () => void): number {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let call = 0; call < HEAP_CALLS; call += 1) run();
  return Math.max(0, process.memoryUsage().heapUsed - before) / HEAP_CALLS;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

console.log(`one message each, median of ${ROUNDS} rounds`);
for (const { name, run } of subjects) {
  cpuTime(run, 5000);
  const calls = Math.ceil((LENGTH * 1e6) / cpuTime(run, 5000));
  const ns: number[] = [];
  const bytes: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ns.push(cpuTime(run, calls));
    bytes.push(heap(run));
    // What the server does later is done before the next round.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const figures = [median(ns).toFixed(1), median(bytes).toFixed(2)].map((text) => text.padStart(9));
  console.log(`${name.padEnd(42)} ${figures[0]} ns  ${figures[1]} bytes of heap`);
}
if (last === null) throw new Error("unreachable");
