import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Clock } from "@rehandle/driver-sdk";

import type { Process, Processes } from "./processes.ts";
import { within } from "./sleep.ts";

const MODULE = fileURLToPath(import.meta.resolve("#storage-process"));
/** How long the process may take to start, ms. */
const START_DEADLINE = 20_000;

/** Networked storage that can go away: an NBD server in a process of its own, over a file that outlives it. */
export class Storage {
  /** The unix socket that it listens on. */
  readonly socket: string;
  /** The file with the data. */
  readonly image: string;
  readonly #processes: Processes;
  readonly #clock: Clock;
  #process: Process | null = null;

  /** Makes the file, `size` bytes of zeroes. `name` tells it from others of the demo. */
  constructor(processes: Processes, clock: Clock, name: string, size: number) {
    this.#processes = processes;
    this.#clock = clock;
    this.socket = join(processes.folder, `${name}-storage.sock`);
    this.image = join(processes.folder, `${name}-storage.img`);
    writeFileSync(this.image, "");
    truncateSync(this.image, size);
  }

  /** True while its process runs, at least from the view of the demo. */
  get isUp(): boolean {
    return this.#process !== null;
  }

  /** Starts the process; resolves with the time on the clock from when on it accepted connections. */
  async start(): Promise<number> {
    const started = this.#processes.start("the storage", MODULE, [this.socket, this.image], true);
    const message = await within(this.#clock, START_DEADLINE, started.message(), "the storage did not start");
    this.#process = started;
    return this.#clock.now() - Math.max(0, this.#clock.realtime() - Number(message));
  }

  /** Kills the process, without a chance to say goodbye. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.end("SIGKILL");
  }
}
