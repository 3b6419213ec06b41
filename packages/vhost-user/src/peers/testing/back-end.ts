import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

/** How a back end is started. */
export interface BackEndOptions {
  /** Bytes of the disk. Default 16 MiB. */
  readonly size?: number;
  /** Default 2. */
  readonly numQueues?: number;
  /** Default true. */
  readonly writable?: boolean;
}

/** A vhost-user-blk back end in a process of its own, with a file of its own. */
export interface BackEnd {
  /** Path of its socket. */
  readonly socket: string;
  /** Path of the file that is its disk. */
  readonly disk: string;
  /** Changes the size of the disk, bytes, under its feet. */
  resize(size: number): Promise<void>;
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again, on the same file and socket. */
  start(): Promise<void>;
  /** True if the process is there. */
  isAlive(): boolean;
  /** What it wrote to stderr so far. */
  readonly errors: string;
  /** Ends it and removes its files. */
  remove(): Promise<void>;
}

/** What is not said is as {@link BackEndOptions} says. */
export function withDefaults(options: BackEndOptions): Required<BackEndOptions> {
  return { size: 16 << 20, numQueues: 2, writable: true, ...options };
}

/** Command line of a back end. */
export interface BackEndCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** Changes the size of the disk, bytes. */
type Resize = (files: BackEndFiles, size: number) => Promise<void>;

/** Makes a folder with a disk, starts the back end there and waits until its socket is there. */
export async function startBackEnd(
  options: BackEndOptions,
  commandOf: (folder: BackEndFiles, options: Required<BackEndOptions>) => BackEndCommand,
  resize: Resize,
): Promise<BackEnd> {
  const full = withDefaults(options);
  const files = new BackEndFiles(full.size);
  const backEnd = new BackEndProcess(files, commandOf(files, full), resize);
  await backEnd.start();
  return backEnd;
}

/** The files of one back end, in a folder of their own. */
export class BackEndFiles {
  readonly folder: string = mkdtempSync(join(tmpdir(), "rehandle-vhost-user-"));
  readonly socket: string = join(this.folder, "blk.sock");
  readonly disk: string = join(this.folder, "disk.raw");
  /** Where the back end is told what to do, if it listens there. */
  readonly control: string = join(this.folder, "control.sock");

  constructor(size: number) {
    writeFileSync(this.disk, "");
    truncateSync(this.disk, size);
  }
}

class BackEndProcess implements BackEnd {
  readonly #files: BackEndFiles;
  readonly #command: BackEndCommand;
  readonly #resize: Resize;
  #process: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  errors = "";

  constructor(files: BackEndFiles, command: BackEndCommand, resize: Resize) {
    this.#files = files;
    this.#command = command;
    this.#resize = resize;
  }

  get socket(): string {
    return this.#files.socket;
  }

  get disk(): string {
    return this.#files.disk;
  }

  resize(size: number): Promise<void> {
    return this.#resize(this.#files, size);
  }

  isAlive(): boolean {
    return this.#process !== null && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async start(): Promise<void> {
    rmSync(this.socket, { force: true });
    rmSync(this.#files.control, { force: true });
    const { program, args } = this.#command;
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.setEncoding("utf8").on("data", (text) => (this.errors += String(text)));
    this.#exited = new Promise((resolve) => child.once("exit", () => resolve()));
    this.#process = child;
    await until(`${program} listens; it says: ${this.errors}`, () => {
      if (!this.isAlive()) throw new Error(`${program} ended: ${this.errors}`);
      return isListening(this.socket);
    });
  }

  async kill(): Promise<void> {
    if (this.isAlive()) this.#process!.kill("SIGKILL");
    await this.#exited;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#files.folder, { recursive: true, force: true });
  }
}

/** Bit of the flags in /proc/net/unix: the socket accepts connections. */
const ACCEPTS = 0x10000;

/** True if somebody listens at the path. Found out without a connection, which the back end might take for its front end. */
function isListening(path: string): boolean {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  return lines.some((line) => line.endsWith(` ${path}`) && (parseInt(line.split(" ")[3] ?? "0", 16) & ACCEPTS) !== 0);
}
