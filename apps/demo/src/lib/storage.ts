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
  #serving: Process | null = null;
  /** The next one, up to where it would begin to serve, so that an outage lasts no longer than it should. */
  #standby: Process;

  /** Makes the file, `size` bytes of zeroes. `name` tells it from others of the demo. */
  constructor(processes: Processes, clock: Clock, name: string, size: number) {
    this.#processes = processes;
    this.#clock = clock;
    this.socket = join(processes.folder, `${name}-storage.sock`);
    this.image = join(processes.folder, `${name}-storage.img`);
    writeFileSync(this.image, "");
    truncateSync(this.image, size);
    this.#standby = this.#launch();
  }

  /** True while it serves, at least from the view of the demo. */
  get isUp(): boolean {
    return this.#serving !== null;
  }

  /** Begins to serve; resolves with the time on the clock from when on it accepted connections. */
  async start(): Promise<number> {
    const process = this.#standby;
    process.tell("serve");
    const message = await within(this.#clock, START_DEADLINE, process.message(), "the storage did not start");
    this.#serving = process;
    return this.#clock.now() - Math.max(0, this.#clock.realtime() - Number(message));
  }

  /** Kills the process that serves, without a chance to say goodbye. */
  async kill(): Promise<void> {
    const process = this.#serving;
    this.#serving = null;
    await process?.end("SIGKILL");
    this.#standby = this.#launch();
  }

  #launch(): Process {
    return this.#processes.start("the storage", MODULE, [this.socket, this.image], true);
  }
}
