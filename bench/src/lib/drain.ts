/** Lets our daemon hold ten thousand writes, and looks at what they cost and how fast they go once the storage is back. */
import { createQmpClient, type RehandleSchema } from "@rehandle/qapi";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDirty, type Storage } from "./disks.ts";
import { REGION } from "./fio-arguments.ts";
import { connectNbdClient, type NbdClient } from "./nbd-client.ts";
import { ourWatchedProxy } from "./our-daemon.ts";
import { Upstream } from "./outages.ts";
import { memoryOf } from "./process-figures.ts";
import { DISK, type Place } from "./subject.ts";
import { within } from "./within.ts";
import type { Server, Workshop } from "./workshop.ts";

const BLOCK = 4096;
/** The server reads no more than 256 requests of one connection at a time, so it takes some. */
const CONNECTIONS = 50;
const REQUESTS = 10_000;
/** Daemons, each of which is new when it holds requests for the first time: only then does memory grow. */
const DAEMONS = 15;
/** Further outages of each, each after as many writes without one. */
const ROUNDS = 2;
/** How long the requests may take to arrive, ms. */
const ARRIVAL_DEADLINE = 10_000;
/** How long the replies to them may take, ms. */
const BURST_DEADLINE = 60_000;

export interface DrainResult {
  readonly held: number;
  /** The daemon's own memory that each held request took, bytes, in each daemon. */
  readonly bytesPerRequest: readonly number[];
  /** Completions per second of the held requests, from the first to the last, of each outage. */
  readonly drained: readonly number[];
  /** The same of as many requests sent at once while the storage was there, before each outage. */
  readonly normal: readonly number[];
}

/** @throws {Error} (as a rejection) If a request fails or is not held. */
export async function measureDrain(workshop: Workshop, storage: Storage): Promise<DrainResult> {
  const results: DrainResult[] = [];
  for (let count = 0; count < DAEMONS; count += 1) results.push(await measureDaemon(workshop, storage));
  return {
    held: Math.min(...results.map(({ held }) => held)),
    bytesPerRequest: results.flatMap(({ bytesPerRequest }) => bytesPerRequest),
    drained: results.flatMap(({ drained }) => drained),
    normal: results.flatMap(({ normal }) => normal),
  };
}

async function measureDaemon(workshop: Workshop, storage: Storage): Promise<DrainResult> {
  const place: Place = {
    ...storage,
    upstream: join(workshop.folder, "drain.up"),
    socket: join(workshop.folder, "drain.sock"),
  };
  const monitor = join(workshop.folder, "drain.qmp");
  const upstream = new Upstream(workshop, place);
  await upstream.serve();
  const server = await workshop.start(ourWatchedProxy(place, monitor), place.socket);
  const region = Math.min(storage.size, REGION);
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connectNbdClient(place.socket, DISK)));
  try {
    // A little of everything, so that code and first buffers are there before memory is counted.
    await rateOf(new Burst(clients, 640, region));
    await upstream.vanish();
    await sleep(200);
    const before = memoryOf(server.pid).anonymous;
    const first = new Burst(clients, REQUESTS, region);
    const held = await arrived(monitor, server);
    const after = memoryOf(server.pid).anonymous;
    await upstream.serve();
    // Not counted: that so many come back at once happens for the first time, so most of it is compiled meanwhile.
    await rateOf(first);
    const drained: number[] = [];
    const normal: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // The writes that are compared must find the same: pages that the system has not stored meanwhile.
      makeDirty(storage);
      normal.push(await rateOf(new Burst(clients, REQUESTS, region)));
      await upstream.vanish();
      await sleep(200);
      const burst = new Burst(clients, REQUESTS, region);
      await arrived(monitor, server);
      makeDirty(storage);
      await upstream.serve();
      drained.push(await rateOf(burst));
    }
    return { held, bytesPerRequest: [(after - before) / held], drained, normal };
  } finally {
    for (const client of clients) client.close();
    await server.end();
    await upstream.vanish();
  }
}

function rateOf(burst: Burst): Promise<number> {
  return within(BURST_DEADLINE, burst.rate, "the writes");
}

/** Writes that are sent at once over all connections. */
class Burst {
  /** Completions per second from the first to the last; rejects if one fails. */
  readonly rate: Promise<number>;

  constructor(clients: readonly NbdClient[], count: number, size: number) {
    let first = 0;
    let done = 0;
    this.rate = new Promise((resolve, reject) => {
      const onReply = (error: number): void => {
        if (error !== 0) reject(new Error(`a write failed with error ${error}`));
        if (done === 0) first = performance.now();
        done += 1;
        if (done === count) resolve(((count - 1) * 1000) / (performance.now() - first));
      };
      for (const client of clients) client.cork();
      for (let at = 0; at < count; at += 1) {
        clients[at % clients.length]?.write((at * 7919 * BLOCK) % size, BLOCK, onReply);
      }
      for (const client of clients) client.uncork();
    });
    // Whoever waits for it later is told; until then it is not unhandled.
    this.rate.catch(() => undefined);
  }
}

/** How many requests are held once all of them are, or once no more come. */
async function arrived(monitor: string, server: Server): Promise<number> {
  const deadline = performance.now() + ARRIVAL_DEADLINE;
  for (;;) {
    const held = await heldRequests(monitor);
    if (held >= REQUESTS) return held;
    if (performance.now() > deadline) throw new Error(`only ${held} are held; ${server.output()}`);
    await sleep(50);
  }
}

async function heldRequests(monitor: string): Promise<number> {
  const socket = connect(monitor);
  const client = createQmpClient<RehandleSchema>({
    write: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
  });
  socket.on("data", (bytes: Buffer) => client.receive(bytes));
  socket.on("error", () => client.closed());
  try {
    await client.ready;
    const [info] = await client.execute("query-rehandle");
    return Number(info?.held ?? 0);
  } finally {
    socket.destroy();
  }
}
