import { spawn, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BackEndFiles, withDefaults, type BackEnd, type BackEndOptions } from "./back-end.ts";
import type { HostCommand } from "./serve-files.ts";

const PROGRAM = fileURLToPath(new URL("serve-files.ts", import.meta.url));

/** A process that serves disks. It takes a second to start, so all back ends of a test file share one, until it is killed. */
class Host {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<void>;
  errors = "";

  constructor() {
    this.#process = spawn(process.execPath, ["--conditions=@rehandle/source", PROGRAM], { stdio: "pipe" });
    this.#process.stderr!.setEncoding("utf8").on("data", (text) => (this.errors += String(text)));
    this.#process.stdin!.on("error", () => {});
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve) => this.#process.once("exit", () => resolve()));
    // It ends with this process, as its stdin does.
    this.#process.unref();
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async run(command: HostCommand): Promise<void> {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true || value !== "done") throw new Error(`${command.run}: ${String(value)} ${this.errors}`);
  }

  async kill(): Promise<void> {
    if (this.alive) this.#process.kill("SIGKILL");
    await this.#exited;
  }
}

let host: Host | null = null;

function theHost(): Host {
  if (host?.alive !== true) host = new Host();
  return host;
}

/** This project's back end, over a file. A second disk, in memory, is on the socket with `.other` behind its name. */
export async function startOwnBackEnd(options: BackEndOptions = {}): Promise<BackEnd> {
  const backEnd = new OwnBackEnd(withDefaults(options));
  await backEnd.start();
  return backEnd;
}

class OwnBackEnd implements BackEnd {
  readonly #files: BackEndFiles;
  readonly #options: Required<BackEndOptions>;
  #host: Host = theHost();

  constructor(options: Required<BackEndOptions>) {
    this.#options = options;
    this.#files = new BackEndFiles(options.size);
  }

  get socket(): string {
    return this.#files.socket;
  }

  get disk(): string {
    return this.#files.disk;
  }

  get errors(): string {
    return this.#host.errors;
  }

  resize(size: number): Promise<void> {
    return this.#host.run({ run: "resize", socket: this.socket, size });
  }

  isAlive(): boolean {
    return this.#host.alive;
  }

  kill(): Promise<void> {
    return this.#host.kill();
  }

  async start(): Promise<void> {
    this.#host = theHost();
    const { numQueues, writable } = this.#options;
    const { socket, disk } = this;
    await this.#host.run({ run: "serve", socket: `${socket}.other`, disk: null, numQueues: 1, writable: true });
    await this.#host.run({ run: "serve", socket, disk, numQueues, writable });
  }

  async remove(): Promise<void> {
    if (this.isAlive()) {
      for (const socket of [this.socket, `${this.socket}.other`]) await this.#host.run({ run: "close", socket });
    }
    rmSync(this.#files.folder, { recursive: true, force: true });
  }
}
