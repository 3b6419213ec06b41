import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./time.ts";

/** A folder of its own for one test, and the processes that work in it. `remove` ends and deletes them all. */
export class Sandbox {
  readonly folder: string = mkdtempSync(join(tmpdir(), "rehandle-daemon-"));
  readonly #processes = new Set<Process>();
  readonly #ends: (() => Promise<void> | void)[] = [];

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

  start(program: string, args: readonly string[]): Process {
    const process = new Process(program, args, this.folder);
    this.#processes.add(process);
    return process;
  }

  /** Calls `end` when the test is over, before processes are killed. */
  atEnd(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  async remove(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
    for (const process of this.#processes) await process.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A running program. */
export class Process {
  stdout = "";
  stderr = "";
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  #isOver = false;
  readonly #child: ChildProcess;

  constructor(program: string, args: readonly string[], cwd: string) {
    this.#child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    // A test that ran out of time never comes to its own end.
    const abandon = (): void => void this.#child.kill("SIGKILL");
    process.once("exit", abandon);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        this.#isOver = true;
        process.removeListener("exit", abandon);
        resolve(code ?? signal ?? "");
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it without asking. */
  async kill(): Promise<void> {
    if (this.#isOver) return;
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

/** True if somebody accepts on a unix socket. */
export function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Waits until somebody accepts on a unix socket. */
export async function untilAccepts(path: string): Promise<void> {
  await until(`a listener on ${path}`, () => accepts(path));
}
