/** Takes the upstream of a proxy away and brings it back, and looks at what the proxy's client sees of it. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Storage } from "./disks.ts";
import { connectNbdClient, type NbdClient } from "./nbd-client.ts";
import { DISK, type Place, type Subject } from "./subject.ts";
import { accepts, type Server, type Workshop } from "./workshop.ts";

/** How long the client may wait after the upstream has come back, ms. */
const PATIENCE = 60_000;
const DEPTH = 32;
const BLOCK = 4096;

export interface OutageOptions {
  readonly outages: number;
  /** Length of each, s. */
  readonly seconds: number;
}

/** What a proxy's client saw. */
export interface OutageResult {
  readonly id: string;
  readonly title: string;
  /** Time from the upstream accepting connections again to the first reply, ms, for each outage. */
  readonly firstReply: readonly number[];
  /** Replies with an error. */
  readonly errors: number;
  readonly problem?: string;
}

/** An upstream that can be taken away. */
export class Upstream {
  readonly #workshop: Workshop;
  readonly #storage: Storage;
  #server: Server | null = null;

  constructor(workshop: Workshop, storage: Storage) {
    this.#workshop = workshop;
    this.#storage = storage;
  }

  /** Begins to serve; resolves once it accepts connections, with the time by `performance.now`. */
  async serve(): Promise<number> {
    const { upstream, disk } = this.#storage;
    this.#server = this.#workshop.launch(["nbdkit", "-f", "-U", upstream, "file", disk], upstream);
    while (!(await accepts(upstream))) {
      if (this.#server.ended()) throw new Error(`the upstream ended: ${this.#server.output()}`);
      await sleep(1);
    }
    return performance.now();
  }

  /** Is gone at once, as by a power failure. */
  async vanish(): Promise<void> {
    await this.#server?.end("SIGKILL");
  }
}

/** Measures one proxy under a closed loop of 4 KiB reads, 32 deep. It has an upstream of its own. */
export async function measureOutages(
  workshop: Workshop,
  storage: Storage,
  subject: Subject,
  options: OutageOptions,
): Promise<OutageResult> {
  const place: Place = {
    ...storage,
    upstream: join(workshop.folder, `${subject.id}.up`),
    socket: join(workshop.folder, `${subject.id}.sock`),
  };
  const upstream = new Upstream(workshop, place);
  const firstReply: number[] = [];
  const loop = new ReadLoop(storage.size);
  let server: Server | null = null;
  let problem: string | undefined;
  try {
    await upstream.serve();
    server = await workshop.start(subject.command(place), place.socket);
    loop.start(await connectNbdClient(place.socket, DISK));
    for (let outage = 0; outage < options.outages; outage += 1) {
      await sleep(500);
      await upstream.vanish();
      await sleep(options.seconds * 1000);
      const before = loop.replies;
      const accepting = await upstream.serve();
      firstReply.push(Math.max(0, (await loop.next(before)) - accepting));
    }
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  } finally {
    loop.stop();
    await server?.end();
    await upstream.vanish();
  }
  const { id, title } = subject;
  return { id, title, firstReply, errors: loop.errors, ...(problem === undefined ? {} : { problem }) };
}

/** Reads in turn, the next as soon as one has been answered. */
class ReadLoop {
  replies = 0;
  errors = 0;
  readonly #blocks: number;
  #client: NbdClient | null = null;
  #next = 0;
  #waiting: (() => void) | null = null;

  constructor(size: number) {
    this.#blocks = Math.floor(size / BLOCK);
  }

  start(client: NbdClient): void {
    this.#client = client;
    for (let at = 0; at < DEPTH; at += 1) this.#read();
  }

  stop(): void {
    const client = this.#client;
    this.#client = null;
    client?.close();
  }

  /** The time of the first good reply after the first `known` ones. @throws {Error} (as a rejection) If none comes. */
  async next(known: number): Promise<number> {
    if (this.replies === known) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const now = performance.now();
    if (this.replies > known) return now;
    throw this.#client?.failure ?? new Error(`no reply within ${PATIENCE / 1000} s`);
  }

  #read(): void {
    // 7919 is prime, so that every block has its turn, far from the one before.
    this.#next = (this.#next + 7919) % this.#blocks;
    this.#client?.read(this.#next * BLOCK, BLOCK, (error) => {
      if (error === 0) this.replies += 1;
      else this.errors += 1;
      if (error === 0 && this.#waiting !== null) {
        this.#waiting();
        this.#waiting = null;
      }
      this.#read();
    });
  }
}
