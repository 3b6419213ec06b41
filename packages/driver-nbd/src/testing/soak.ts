import { createBlockClient, createRandom, isBlockError, type BlockClient, type Random } from "@rehandle/driver-sdk";
import { createMemoryDriver } from "@rehandle/driver-memory";
import { createNbdServer, type NbdServer } from "@rehandle/nbd";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNbdDriver } from "../lib/nbd-driver.ts";
import { systemClock } from "./opened-driver.ts";

/** How a soak is to be. */
export interface SoakSettings {
  /** Drivers at a time, each with a region of the disk of its own. */
  readonly clients: number;
  /** Rounds of connect, work, part. */
  readonly rounds: number;
  /** The same seed makes the same choices, though not the same timing. */
  readonly seed: number;
  readonly sockets: "auto" | "node";
  /** Longest time without an answer before it counts as a lost wake-up, ms. */
  readonly stallMs: number;
}

/** What was done. */
export interface SoakReport {
  operations: number;
  bytes: number;
  parts: Record<"close" | "cut" | "noise", number>;
}

const REGION = 4 * 1024 * 1024;
const LONGEST = 600_000;

/**
 * Many drivers on one server of ours, with requests of all sizes, and ends of all kinds in between: closed in the midst of
 * work, cut by somebody in the middle, and raw connections that break off in the middle of a request or never read.
 * @throws Error if data is wrong, or if something is not answered in `stallMs`.
 */
export async function soak(settings: SoakSettings): Promise<SoakReport> {
  const folder = mkdtempSync(join(tmpdir(), "rehandle-soak-"));
  const path = join(folder, "nbd");
  const storage = createMemoryDriver({ size: settings.clients * REGION });
  await storage.open({ clock: systemClock, random: createRandom(1), held: false, onEvent: () => {} });
  const server = createNbdServer({
    clock: systemClock,
    exports: [{ name: "", driver: storage, writable: true }],
    sockets: settings.sockets,
  });
  await server.listen({ path });
  const report: SoakReport = { operations: 0, bytes: 0, parts: { close: 0, cut: 0, noise: 0 } };
  try {
    const all = Array.from({ length: settings.clients }, (_, index) => runClient(settings, path, index, report));
    await Promise.all(all);
    await noStall(goesIdle(server), settings.stallMs, "a connection stayed although its client is gone");
  } finally {
    await server.close({ graceMs: 100 });
    await storage.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return report;
}

async function goesIdle(server: NbdServer): Promise<void> {
  while (server.connectionCount > 0) await pause(5);
}

async function runClient(settings: SoakSettings, path: string, index: number, report: SoakReport): Promise<void> {
  const random = createRandom(settings.seed * 1000 + index);
  /** What the region holds; where an end came in between, nobody knows, and it is read again. */
  const model = new Uint8Array(REGION);
  for (let round = 0; round < settings.rounds; round += 1) {
    const driver = createNbdDriver({ server: { type: "unix", path }, sockets: settings.sockets });
    await driver.open({ clock: systemClock, random, held: false, onEvent: () => {} });
    const client = createBlockClient(driver);
    const base = index * REGION;
    for (let batch = 0; batch < 5; batch += 1) {
      await noStall(work(client, base, model, random, report), settings.stallMs, "requests are not answered");
    }
    const broken = [work(client, base, model, random, report).catch(isExpected)];
    if (random() < 0.5) await pause(random() * 3);
    report.parts.close += 1;
    await noStall(driver.close(), settings.stallMs, "close does not end");
    await noStall(Promise.all(broken), settings.stallMs, "requests of a closed driver do not end");
    await noStall(makeNoise(path, random, report), settings.stallMs, "a raw connection does not end");
    await noStall(readAgain(settings, path, base, model), settings.stallMs, "what is there cannot be read");
  }
}

/** A batch of reads and writes that do not overlap, all at once. */
async function work(
  client: BlockClient,
  base: number,
  model: Uint8Array,
  random: Random,
  report: SoakReport,
): Promise<void> {
  const pieces: Promise<void>[] = [];
  for (let at = 0; at < REGION;) {
    const length = Math.min(REGION - at, 1 + Math.floor(random() ** 6 * LONGEST));
    pieces.push(
      random() < 0.5 ? check(client, base, model, at, length) : change(client, base, model, at, length, random),
    );
    report.operations += 1;
    report.bytes += length;
    at += length + Math.floor(random() * 100_000);
  }
  await Promise.all(pieces);
}

async function check(client: BlockClient, base: number, model: Uint8Array, at: number, length: number): Promise<void> {
  const data = await client.read(base + at, length);
  if (Buffer.compare(data, model.subarray(at, at + length)) !== 0) throw new Error(`wrong data at ${base + at}`);
}

async function change(
  client: BlockClient,
  base: number,
  model: Uint8Array,
  at: number,
  length: number,
  random: Random,
): Promise<void> {
  const data = new Uint8Array(length).fill(1 + Math.floor(random() * 255));
  if (length > 2) data[length >> 1] = 0;
  await client.write(base + at, data);
  model.set(data, at);
}

/** A raw connection that behaves badly, then goes. */
function makeNoise(path: string, random: Random, report: SoakReport): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("error", () => {}).on("close", () => resolve());
    const open = Buffer.alloc(4 + 16 + 6);
    open.writeUInt32BE(3, 0);
    open.write("IHAVEOPT", 4, "latin1");
    open.writeUInt32BE(7, 12);
    open.writeUInt32BE(6, 16);
    const read = Buffer.alloc(28);
    read.writeUInt32BE(0x25609513, 0);
    read.writeUInt32BE(1 << 20, 24);
    const write = Buffer.from(read);
    write.writeUInt16BE(1, 6);
    socket.write(open);
    const unread = random() < 0.5;
    // Reads whose answers nobody takes, or a write that breaks off.
    for (let count = 0; count < 20; count += 1) socket.write(unread ? read : write.subarray(0, 27));
    if (random() < 0.3) socket.resume();
    report.parts[unread ? "noise" : "cut"] += 1;
    setTimeout(() => (random() < 0.5 ? socket.destroy() : socket.end().destroySoon()), random() * 10);
  });
}

/** Takes the disk's word for what a broken round has written, after which it must stay so. */
async function readAgain(settings: SoakSettings, path: string, base: number, model: Uint8Array): Promise<void> {
  const driver = createNbdDriver({ server: { type: "unix", path }, sockets: settings.sockets });
  await driver.open({ clock: systemClock, random: createRandom(1), held: false, onEvent: () => {} });
  model.set(await createBlockClient(driver).read(base, REGION));
  await driver.close();
}

/** What the requests of a driver that is closed may end with. */
function isExpected(error: unknown): void {
  if (!isBlockError(error)) throw error;
}

async function noStall<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stall = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`stalled: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, stall]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
