import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Clock } from "@rehandle/driver-sdk";

import { LineLog } from "./line-log.ts";
import { within } from "./sleep.ts";

/** A unix socket's path is at most 107 bytes on Linux; this leaves room for the folder and a file's name. */
const LONGEST_TEMPORARY_FOLDER = 60;
/** How long a killed process may take to be gone, ms. */
const END_DEADLINE = 20_000;

/** Everything that a guest and its storage leave on the machine: one folder, and the processes and sockets in it. */
export class Sandbox {
  readonly clock: Clock;
  readonly folder: string;
  readonly #processes = new Set<RunningProcess>();
  readonly #servers = new Set<Server>();
  readonly #sockets = new Set<Socket>();
  /** Of a run that ends without a chance to wait for anything. */
  readonly #abandon = (): void => {
    for (const running of this.#processes) running.signal("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  };

  constructor(clock: Clock) {
    this.clock = clock;
    const parent = tmpdir().length > LONGEST_TEMPORARY_FOLDER ? "/tmp" : tmpdir();
    this.folder = mkdtempSync(join(parent, "rehandle-guest-"));
    process.once("exit", this.#abandon);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A sparse file of so many bytes. */
  file(name: string, size: number): string {
    const path = this.path(name);
    writeFileSync(path, "");
    truncateSync(path, size);
    return path;
  }

  /** Starts a program; the sandbox ends with it, if it does not end before. */
  start(program: string, args: readonly string[], stdio?: StdioOptions): RunningProcess {
    const running = new RunningProcess(this.clock, program, args, this.folder, stdio);
    this.#processes.add(running);
    void running.ended.then(() => this.#processes.delete(running));
    return running;
  }

  /** Listens on a unix socket for one program to connect; resolves with the path and a promise of the connection. */
  async expectConnection(name: string): Promise<{ path: string; connection: Promise<Socket> }> {
    const path = this.path(name);
    const server = createServer();
    this.#servers.add(server);
    const connection = new Promise<Socket>((resolve) => {
      server.once("connection", (socket) => {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        resolve(socket);
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    return { path, connection };
  }

  /** Ends and removes everything. May be called again. */
  async remove(): Promise<void> {
    process.removeListener("exit", this.#abandon);
    await Promise.all([...this.#processes].map((running) => running.kill()));
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A program that was started. */
export class RunningProcess {
  /** What it prints on standard output and standard error. */
  readonly output: LineLog;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly child: ChildProcess;
  readonly #clock: Clock;
  readonly #program: string;
  #isOver = false;

  constructor(clock: Clock, program: string, args: readonly string[], cwd: string, stdio?: StdioOptions) {
    this.#clock = clock;
    this.#program = program;
    this.output = new LineLog(clock, program);
    // A process group of its own: User-Mode Linux consists of several processes, which do not all end with the first.
    this.child = spawn(program, args, { cwd, stdio: stdio ?? ["ignore", "pipe", "pipe"], detached: true });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.output.take(text));
    }
    this.ended = new Promise((resolve) => {
      this.child.once("error", (error) => resolve(error.message));
      this.child.once("close", (code, signal) => resolve(code ?? signal ?? "nothing"));
    });
    void this.ended.then(() => (this.#isOver = true));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends a signal to all of its processes. */
  signal(signal: NodeJS.Signals): void {
    if (this.#isOver || this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch (error) {
      // All of them ended just now.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Kills it, and resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#isOver) return;
    this.signal("SIGKILL");
    await within(this.#clock, END_DEADLINE, this.ended, `${this.#program} did not go away`);
  }

  /** Rejects with what it printed last if it ends; never resolves. */
  async failure(): Promise<never> {
    const how = await this.ended;
    throw new Error(`${this.#program} ended with ${how}: ${this.output.lines.slice(-10).join("\n")}`);
  }
}
