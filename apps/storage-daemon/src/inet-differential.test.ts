import { createMemoryDriver } from "@rehandle/driver-memory";
import { createRandom } from "@rehandle/driver-sdk";
import { createNbdServer } from "@rehandle/nbd";
import { createServer, type Server } from "node:net";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDaemon } from "./index.ts";
import { comparable, runOurs, runTheirs } from "./testing/compared-daemons.ts";
import { inSandbox } from "./testing/in-sandbox.ts";
import { freePorts, hasBothFamilies, hasIpv6, reachable } from "./testing/ports.ts";
import { havePrograms } from "./testing/programs.ts";
import { QmpPeer, type Command } from "./testing/qmp-peer.ts";
import { start } from "./testing/qmp-steps.ts";
import { clock } from "./testing/time.ts";

/** Members of an address; `@` and a number stand for one of the ports of {@link ports}. */
type Address = Readonly<Record<string, string | number | boolean>>;

/** How many ports there are; the first two are taken on 127.0.0.1. */
const PORTS = 5;
const TAKEN = 2;

const LISTENING: readonly Address[] = [
  ...["127.0.0.1", "::1", "", "::", "0.0.0.0", "localhost"].flatMap((host) => [
    { host, port: "@2" },
    { host, port: "@2", ipv4: true },
    { host, port: "@2", ipv4: false },
    { host, port: "@2", ipv6: true },
    { host, port: "@2", ipv6: false },
    { host, port: "@2", ipv4: true, ipv6: true },
    { host, port: "@2", ipv4: false, ipv6: false },
    { host, port: "@2", ipv4: true, ipv6: false },
    { host, port: "@2", numeric: true },
  ]),
  ...["127.0.0.1", "", "::"].flatMap((host) => [
    { host, port: "@0" },
    { host, port: "@0", to: "@1" },
    { host, port: "@0", to: "@4" },
    { host, port: "@0", to: "@4", ipv4: true },
    { host, port: "@0", to: "@4", ipv6: true },
    { host, port: "@0", to: "@0", ipv4: true, ipv6: true },
  ]),
  { host: "127.0.0.1", port: "@2", to: "@2" },
  { host: "127.0.0.1", port: "@2", to: "@4", numeric: true },
  { host: "127.0.0.1", port: "@2", "keep-alive": true },
  { host: "127.0.0.1", port: "@2", "keep-alive": false },
  { host: "192.0.2.1", port: "@0", to: "@4" },
  { host: "127.0.0.1", port: "@1", to: "@3" },
];

/** Port `@0` is that of a server on 127.0.0.1, `@1` that of one on ::1, and nobody listens on `@2`. */
const CONNECTING: readonly Address[] = [
  ...["127.0.0.1", "::1", "localhost"].flatMap((host) =>
    ["@0", "@1", "@2"].flatMap((port) => [
      { host, port },
      { host, port, ipv4: true },
      { host, port, ipv4: false },
      { host, port, ipv6: true },
      { host, port, ipv6: false },
      { host, port, ipv4: true, ipv6: true },
      { host, port, ipv4: false, ipv6: false },
    ]),
  ),
  { host: "localhost", port: "@0", numeric: true },
  { host: "127.0.0.1", port: "@0", "keep-alive": true },
  { host: "127.0.0.1", port: "@0", "keep-alive": false },
  { host: "127.0.0.1", port: "@2", to: "@0" },
  { host: "127.0.0.1", port: "@0", to: 1 },
];

function withPorts(address: Address, ports: readonly number[]): Address {
  const filled = Object.entries(address).map(([key, value]) => {
    if (typeof value !== "string" || !value.startsWith("@")) return [key, value];
    const port = ports[Number(value.slice(1))];
    return [key, key === "to" ? port : String(port)];
  });
  return Object.fromEntries(filled) as Address;
}

/** What each address leads to, with one daemon for all. */
async function answers(
  whose: "ours" | "theirs",
  addresses: readonly Address[],
  ask: (peer: QmpPeer, address: Address) => Promise<unknown>,
): Promise<object[]> {
  const found: object[] = [];
  await inSandbox(async (sandbox) => {
    const peer = await QmpPeer.start(whose, sandbox);
    for (const address of addresses) found.push({ address, answer: await ask(peer, address) });
  });
  return found;
}

/** Does it, and if that works looks what there is, and undoes it. */
async function doAndUndo(peer: QmpPeer, command: Command, undo: Command, look: () => unknown): Promise<unknown> {
  const answer = await peer.run(command);
  if (answer[0] !== "{}") return answer;
  const found = await look();
  await peer.run(undo);
  return found;
}

const bothFamilies = hasBothFamilies();

const CHARDEVS = [
  "socket,id=c,host=::1,port=1,ipv4=on",
  "socket,id=c,host=::1,port=1,ipv6=off",
  "socket,id=c,host=::1,port=1,ipv6=on",
  "socket,id=c,host=127.0.0.1,port=1,ipv6=on,to=9",
  "socket,id=c,host=127.0.0.1,port=1,ipv4=on",
  "socket,id=c,host=localhost,port=1,ipv4=off",
];

describe.runIf(havePrograms("qemu-storage-daemon") && hasIpv6())(
  "inet addresses, compared with qemu-storage-daemon",
  { timeout: 60_000 },
  () => {
    const taken: Server[] = [];
    let ports: readonly number[] = [];

    beforeAll(async () => {
      ports = await freePorts(PORTS);
      for (const port of ports.slice(0, TAKEN)) taken.push(await listening(port));
    });
    afterAll(() => {
      for (const server of taken) server.close();
    });

    test("listening", async () => {
      const addresses = LISTENING.map((address) => withPorts(address, ports));
      const ask = (peer: QmpPeer, address: Address): Promise<unknown> =>
        doAndUndo(peer, start(address, "inet"), ["nbd-server-stop"], () => reachable(ports));
      const theirs = await answers("theirs", addresses, ask);
      expect(await answers("ours", addresses, ask)).toEqual(theirs);
      // The comparison would be of no worth if nothing could be had.
      expect(theirs.filter((one) => JSON.stringify(one).includes("::1 ")).length).toBeGreaterThan(10);
    });

    test.runIf(bothFamilies).each(CHARDEVS)("connecting: %s", async (chardev) => {
      const words = ["--chardev", chardev];
      const theirs = comparable(await runTheirs(words), "qemu-storage-daemon");
      expect(comparable(await runOurs(words), "rehandle-storage-daemon")).toEqual(theirs);
      expect(theirs.code).toBe(1);
    });

    test.runIf(bothFamilies)("connecting", async () => {
      const disk = createMemoryDriver({ size: 65536 });
      await disk.open({ clock, random: createRandom(1), held: false, onEvent: () => {} });
      const server = createNbdServer({ clock, exports: [{ name: "", driver: disk, writable: true }] });
      const here = await server.listen({ host: "127.0.0.1", port: 0 });
      const there = await server.listen({ host: "::1", port: 0 });
      const targets = [here, there].map(({ address }) => ("port" in address ? address.port : 0));
      const nobody = ports[TAKEN] ?? 0;
      const addresses = CONNECTING.map((address) => withPorts(address, [...targets, nobody]));
      const ask = (peer: QmpPeer, address: Address): Promise<unknown> => {
        const options = { driver: "nbd", "node-name": "n", server: { type: "inet", ...address } };
        return doAndUndo(peer, ["blockdev-add", options], ["blockdev-del", { "node-name": "n" }], () => "connected");
      };
      const theirs = await answers("theirs", addresses, ask);
      expect(await answers("ours", addresses, ask)).toEqual(theirs);
      expect(theirs.filter((one) => JSON.stringify(one).includes('"connected"')).length).toBeGreaterThan(10);
      await server.close({ graceMs: 0 });
      await disk.close();
    });
  },
);

test("the log says on which ports it listens", async () => {
  const [port = 0, next] = await freePorts(2);
  const taken = await listening(port);
  const stderr = new PassThrough();
  let log = "";
  stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const address = `addr.type=inet,addr.host=127.0.0.1,addr.port=${port},addr.to=${next}`;
  const daemon = startDaemon(["--nbd-server", address], { stderr });
  expect(await daemon.started, log).toBe(true);
  expect(log).toContain(`info nbd: listening on 127.0.0.1 port ${next}\n`);
  daemon.stop("host-signal");
  await daemon.exited;
  taken.close();
});

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port }, () => resolve(server));
  });
}
