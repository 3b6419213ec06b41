import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./opened-driver.ts";

/** Real programs that tests talk to, and the Debian packages that have them. */
const PACKAGES = { nbdkit: "nbdkit", "qemu-nbd": "qemu-utils", "qemu-img": "qemu-utils", openssl: "openssl" } as const;

export type Program = keyof typeof PACKAGES;

/**
 * True if all of these programs are there. If one is missing, it says loudly which Debian package has it; where `CI` is
 * set, that is a failure.
 */
export function havePrograms(...programs: readonly Program[]): boolean {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).error !== undefined);
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))].join(" ");
  const message = `${missing.join(", ")} not found: install the Debian packages: ${packages}`;
  if (process.env["CI"] !== undefined) throw new Error(message);
  process.stderr.write(`\n*** SKIPPED: ${message} ***\n\n`);
  return false;
}

/** A folder of its own for one test, which `remove` deletes. */
export class Workplace {
  readonly folder: string = mkdtempSync(join(tmpdir(), "rehandle-nbd-"));
  readonly #peers: Peer[] = [];

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a server that listens on the unix socket `socket` within the folder, and waits until it accepts. */
  async start(program: Program, args: readonly string[], socket: string): Promise<Peer> {
    const path = this.path(socket);
    rmSync(path, { force: true });
    const peer = new Peer(program, args, path);
    this.#peers.push(peer);
    await until(`${program} accepts`, () => peer.accepts());
    return peer;
  }

  nbdkit(args: readonly string[], socket = "nbd.sock"): Promise<Peer> {
    return this.start("nbdkit", ["-f", "-U", this.path(socket), ...args], socket);
  }

  qemuNbd(args: readonly string[], socket = "nbd.sock"): Promise<Peer> {
    return this.start("qemu-nbd", ["-t", "-k", this.path(socket), ...args], socket);
  }

  async remove(): Promise<void> {
    for (const peer of this.#peers) await peer.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A running server. */
export class Peer {
  readonly path: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  #errors = "";

  constructor(program: Program, args: readonly string[], path: string) {
    this.path = path;
    this.#process = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process.stderr?.setEncoding("utf8").on("data", (text) => (this.#errors += String(text)));
    this.#exited = new Promise((resolve) => this.#process.once("exit", () => resolve()));
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** SIGKILL, also when it is stopped. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  /** True if a connection is taken. @throws Error if the program has ended. */
  async accepts(): Promise<boolean> {
    if (this.#process.exitCode !== null) throw new Error(`the server ended: ${this.#errors}`);
    const socket = connect({ path: this.path });
    return new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
  }
}
