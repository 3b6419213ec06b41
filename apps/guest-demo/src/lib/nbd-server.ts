import { rmSync } from "node:fs";
import { connect } from "node:net";

import type { RunningProcess, Sandbox } from "./sandbox.ts";
import { sleep } from "./sleep.ts";

/** How long it may take to start, ms, and between two looks. */
const START_DEADLINE = 20_000;
const START_POLL = 10;

/** Networked storage that can go away: `nbdkit` over a file that outlives it. */
export class NbdServer {
  readonly socket: string;
  /** The file with the data. */
  readonly file: string;
  readonly #sandbox: Sandbox;
  #process: RunningProcess | null = null;

  /** `name` tells its socket from others'. */
  constructor(sandbox: Sandbox, name: string, file: string) {
    this.#sandbox = sandbox;
    this.socket = sandbox.path(`${name}.sock`);
    this.file = file;
  }

  get isUp(): boolean {
    return this.#process !== null;
  }

  /** Starts it; resolves when it accepts connections. */
  async start(): Promise<void> {
    const { clock } = this.#sandbox;
    // A killed server leaves its socket behind.
    rmSync(this.socket, { force: true });
    const server = this.#sandbox.start("nbdkit", ["-f", "-U", this.socket, "file", this.file]);
    const start = clock.now();
    while (!(await accepts(this.socket))) {
      if (server.isOver) await server.failure();
      if (clock.now() - start > START_DEADLINE) throw new Error("nbdkit did not start");
      await sleep(clock, START_POLL);
    }
    this.#process = server;
  }

  /** SIGKILL: connections break. */
  async kill(): Promise<void> {
    const server = this.#process;
    this.#process = null;
    await server?.kill();
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
