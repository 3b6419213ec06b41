import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasQemu, monitorOf, QEMU, talkWith, type Peer, type Talk } from "../testing/qemu-monitor.ts";
import { QmpError } from "./qmp-error.ts";
import { createQmpServer } from "./qmp-server.ts";

const schema = {
  types: { UnixSocketAddress: { struct: { type: "str", path: "str" } } },
  commands: {
    "blockdev-add": { data: { driver: "str", "node-name": "str", server: "UnixSocketAddress" } },
    "query-yank": { returns: ["any"], "allow-oob": true },
  },
  events: {},
} as const;

let folder: string;
/** An NBD server that never says anything: whoever opens a node there waits. */
let silent: Server;
let held: Socket[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "qmp-oob-"));
  held = [];
  silent = createServer((socket) => void held.push(socket)).listen(join(folder, "nbd.sock"));
  await once(silent, "listening");
});

afterEach(() => {
  for (const socket of held) socket.destroy();
  silent.close();
  rmSync(folder, { recursive: true });
});

/** Our server, with a `blockdev-add` that waits as QEMU's does. */
function startOurs(onText: (text: string) => void): Peer {
  const yanks = new Set<unknown>();
  const server = createQmpServer({
    schema,
    version: { major: 7, minor: 2, micro: 22 },
    clock: { realtime: () => 0 },
    commands: {
      "blockdev-add": async (args) => {
        const yank = { type: "block-node", "node-name": args["node-name"] };
        yanks.add(yank);
        await once(connect(args.server.path).resume(), "close");
        yanks.delete(yank);
        throw new QmpError("Failed to read initial magic: Unexpected end-of-file before all data were read");
      },
      "query-yank": () => [...yanks],
    },
  });
  const session = server.attach({
    write: (bytes) => onText(Buffer.from(bytes).toString("latin1")),
    pendingBytes: () => 0,
    end: () => {},
    destroy: () => {},
  });
  return { send: (bytes) => session.receive(bytes), close: () => server.close() };
}

function addNode(name: string): string {
  const server = { type: "unix", path: join(folder, "nbd.sock") };
  return JSON.stringify({ execute: "blockdev-add", arguments: { driver: "nbd", "node-name": name, server }, id: name });
}

/** Waits until a command waits for that connection. */
async function holds(count: number): Promise<void> {
  while (held.length < count) await once(silent, "connection");
}

const version = (id: number): string => `{"execute":"qmp_capabilities","id":${id}}`;
const overtaking = (id: string): string => `{"exec-oob":"query-yank","id":"${id}"}`;

/** What is said, and what is heard after it. */
async function withOutOfBand(talk: Talk): Promise<string[][]> {
  const heard = async (count: number): Promise<string[]> => {
    const lines: string[] = [];
    while (lines.length < count) lines.push(await talk.line());
    return lines;
  };
  await talk.line();
  talk.say('{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}');
  const steps = [await heard(1)];
  talk.say(addNode("a"));
  await holds(1);
  // With one that runs and six that wait, the next is read at once.
  talk.say(addNode("b") + [0, 1, 2, 3, 4].map(version).join("") + overtaking("six wait"));
  steps.push(await heard(1));
  talk.say(version(5) + overtaking("seven wait"));
  steps.push(await heard(1));
  // Not with eight: what comes now is read when the first is done and the second runs.
  talk.say(`${version(6)}{"exec-oob":"query-version","id":"eight wait"}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  held[0]?.destroy();
  steps.push(await heard(2));
  await holds(2);
  talk.say(overtaking("seven wait again"));
  steps.push(await heard(1));
  held[1]?.destroy();
  steps.push(await heard(8));
  return steps;
}

/** The same without the capability. */
async function withoutOutOfBand(talk: Talk): Promise<string[][]> {
  await talk.line();
  talk.say('{"execute":"qmp_capabilities"}');
  const steps = [[await talk.line()]];
  talk.say(`${addNode("a")}${overtaking("not yet")}]${version(0)}`);
  await holds(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  held[0]?.destroy();
  steps.push([await talk.line(), await talk.line(), await talk.line(), await talk.line()]);
  return steps;
}

describe.runIf(hasQemu())("the order of replies, compared with QEMU's", () => {
  test.each([
    ["with oob", withOutOfBand],
    ["without oob", withoutOutOfBand],
  ])("%s", async (_name, script) => {
    const run = async (start: (onText: (text: string) => void) => Peer): Promise<string[][]> => {
      held.length = 0;
      const talk = talkWith(start);
      try {
        return await script(talk);
      } finally {
        talk.close();
      }
    };
    const theirs = await run(monitorOf(QEMU));
    const ours = await run(startOurs);
    expect(theirs.flat().some((line) => line.includes("Failed to read initial magic"))).toBe(true);
    expect(ours).toEqual(theirs);
  });
});
