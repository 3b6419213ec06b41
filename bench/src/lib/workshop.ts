import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Characters of a program's output that are kept for when it fails. */
const KEPT_OUTPUT = 600;
/** How long a server may take until it accepts connections, ms. */
const START_DEADLINE = 20_000;
/** How long a server may take to end after SIGTERM until it is killed, ms. */
const END_DEADLINE = 5000;
/** How long a client may run longer than it was asked to, ms. */
const CLIENT_MARGIN = 120_000;

/** A server that runs. */
export interface Server {
  readonly pid: number;
  /** Its unix socket. */
  readonly socket: string;
  /** What it printed last. */
  output(): string;
  /** Whether it has ended by itself. */
  ended(): boolean;
  /** Ends it, by force with SIGKILL; resolves when it is gone. */
  end(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** Everything that a run leaves on the machine while it lasts: processes and one folder. */
export class Workshop {
  /** A folder for sockets and disks. */
  readonly folder: string;
  readonly #running: Set<ChildProcess> = new Set();
  readonly #leave: () => void;

  /** @param parent A folder on a file system that keeps the disk in the page cache. */
  constructor(parent: string) {
    this.folder = mkdtempSync(join(parent, "rehandle-bench-"));
    this.#leave = () => this.#clearAway();
    process.once("exit", this.#leave);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  }

  /** Starts a server and returns at once: it may not accept connections yet, or never. */
  launch(command: readonly string[], socket: string): Server {
    const [program = "", ...args] = command;
    rmSync(socket, { force: true });
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], cwd: this.folder });
    this.#running.add(child);
    let text = "";
    let hasEnded = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        text = (text + part).slice(-KEPT_OUTPUT);
      });
    }
    const gone = new Promise<void>((resolve) => {
      const note = (): void => {
        hasEnded = true;
        this.#running.delete(child);
        resolve();
      };
      child.once("error", (error) => {
        text += error.message;
        note();
      });
      child.once("exit", note);
    });
    return {
      pid: child.pid ?? 0,
      socket,
      output: () => text.trim(),
      ended: () => hasEnded,
      end: async (signal = "SIGTERM") => {
        child.kill(signal);
        const timer = setTimeout(() => child.kill("SIGKILL"), END_DEADLINE);
        await gone;
        clearTimeout(timer);
        rmSync(socket, { force: true });
      },
    };
  }

  /**
   * Starts a server and waits until it accepts connections.
   * @throws {Error} With what it printed, if it ends before that or takes too long.
   */
  async start(command: readonly string[], socket: string): Promise<Server> {
    const server = this.launch(command, socket);
    const deadline = performance.now() + START_DEADLINE;
    while (!(await accepts(socket))) {
      if (server.ended()) throw new Error(`${nameOf(command)} ended: ${server.output()}`);
      if (performance.now() > deadline) {
        await server.end("SIGKILL");
        throw new Error(`${nameOf(command)} does not accept connections: ${server.output()}`);
      }
      await sleep(2);
    }
    return server;
  }

  /**
   * Runs a program to its end.
   * @param seconds How long it is meant to take; it gets two minutes more.
   * @returns What it wrote to its standard output.
   * @throws {Error} With what it wrote to its standard error, if its exit code is not 0.
   */
  async run(
    command: readonly string[],
    seconds = 0,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: this.folder,
      env: { ...process.env, ...environment },
      timeout: seconds * 1000 + CLIENT_MARGIN,
      killSignal: "SIGKILL",
    });
    this.#running.add(child);
    const parts: string[] = [];
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => parts.push(part));
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      errors = (errors + part).slice(-KEPT_OUTPUT);
    });
    const how = await new Promise<number | string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => resolve(code ?? signal ?? "nothing"));
    });
    this.#running.delete(child);
    if (how !== 0) throw new Error(`${nameOf(command)} ended with ${how}: ${errors.trim() || parts.join("").trim()}`);
    return parts.join("");
  }

  /** Ends what still runs and removes the folder. */
  close(): void {
    process.removeListener("exit", this.#leave);
    this.#clearAway();
  }

  #clearAway(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A program and its first words, for messages. */
function nameOf(command: readonly string[]): string {
  return command.slice(0, 3).join(" ");
}

/** Whether somebody accepts connections at a unix socket right now. */
export function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
