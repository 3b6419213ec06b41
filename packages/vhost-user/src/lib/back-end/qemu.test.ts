import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { createMemoryDriver, createMemoryStorage } from "@rehandle/driver-memory";
import { createBlockClient, createRandom, createSystemClock } from "@rehandle/driver-sdk";
import { afterEach, expect, test } from "vitest";

import { HeldDriver } from "./testing/held-driver.ts";
import { startServer, until } from "./testing/test-server.ts";
import type { TestServer } from "./testing/test-server.ts";

const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).error === undefined;
if (!hasQemu) console.warn("*** SKIPPED: qemu-system-x86_64 not found: install the Debian package qemu-system-x86 ***");
const withQemu = { skip: !hasQemu && process.env["CI"] === undefined, timeout: 60_000 };

/** mov dx, 0x501; mov al, 3; out dx, al; hlt: has QEMU's isa-debug-exit end with status 7. */
const BOOT_SECTOR = new Uint8Array(512);
BOOT_SECTOR.set([0xba, 0x01, 0x05, 0xb0, 0x03, 0xee, 0xf4]);
BOOT_SECTOR.set([0x55, 0xaa], 510);

interface Machine {
  /** Sends a QMP command and waits for its answer. */
  readonly execute: (command: string) => Promise<unknown>;
  readonly ended: Promise<number | null>;
  readonly kill: () => void;
}

const servers: TestServer[] = [];
const machines: Machine[] = [];
afterEach(async () => {
  for (const machine of machines.splice(0)) {
    machine.kill();
    await machine.ended;
  }
  for (const server of servers.splice(0)) await server.close();
});

async function start(options: Parameters<typeof startServer>[0]): Promise<TestServer> {
  const server = await startServer(options);
  servers.push(server);
  return server;
}

/** A virtual machine that boots from the disk when it is told to continue. */
async function startMachine(path: string, queues = 1): Promise<Machine> {
  const settings = [
    "-nodefaults -display none -S -qmp stdio -machine q35,accel=tcg,memory-backend=mem",
    "-object memory-backend-memfd,id=mem,size=64M,share=on",
    `-chardev socket,id=c0,path=${path},reconnect=1`,
    `-device vhost-user-blk-pci,chardev=c0,num-queues=${queues},bootindex=1`,
    "-device isa-debug-exit,iobase=0x501,iosize=1",
  ];
  const child = spawn("qemu-system-x86_64", settings.join(" ").split(" "));
  const ended = new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  const answers: ((answer: unknown) => void)[] = [];
  createInterface(child.stdout).on("line", (line) => {
    if (line.includes('"return"') || line.includes('"error"')) answers.shift()?.(JSON.parse(line));
  });
  const execute = (command: string): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify({ execute: command })}\n`);
    return new Promise((resolve) => answers.push(resolve));
  };
  const machine = { execute, ended, kill: () => void child.kill("SIGKILL") };
  machines.push(machine);
  await execute("qmp_capabilities");
  return machine;
}

test("a virtual machine boots from the disk", withQemu, async () => {
  const storage = createMemoryStorage({ size: 1 << 20 });
  const writer = createMemoryDriver({ storage });
  await writer.open({ clock: createSystemClock(), random: createRandom(1), onEvent: () => undefined, held: false });
  await createBlockClient(writer).write(0, BOOT_SECTOR);
  await writer.close();
  const server = await start({ driver: createMemoryDriver({ storage }), numQueues: 2 });
  const machine = await startMachine(server.path, 2);
  await machine.execute("cont");
  expect(await machine.ended).toBe(7);
  await until(() => server.reasons().length === 1);
  expect(server.events).toEqual([{ type: "connected" }, { type: "disconnected", reason: null }]);
});

test("a virtual machine stops, goes on and is reset while its disk does not answer", withQemu, async () => {
  const driver = new HeldDriver();
  const server = await start({ driver });
  const machine = await startMachine(server.path);
  await machine.execute("cont");
  await until(() => driver.requests.length === 1);
  expect(await machine.execute("stop")).toHaveProperty("return");
  expect(await machine.execute("cont")).toHaveProperty("return");
  expect(await machine.execute("system_reset")).toHaveProperty("return");
  // The reads that were given up never end; those of the booting machine do.
  const givenUp = new Set(driver.requests);
  let over = false;
  void machine.ended.then(() => (over = true));
  await until(() => {
    for (const request of driver.requests.filter((one) => !givenUp.has(one))) {
      givenUp.add(request);
      if (request.offset === 0) request.iov[0]?.set(BOOT_SECTOR.subarray(0, request.length));
      request.complete(request, null);
    }
    return over;
  });
  expect(await machine.ended).toBe(7);
});
