import { readdirSync, readFileSync, rmSync } from "node:fs";
import { accepts, type Process, type Sandbox } from "./sandbox.ts";
import { clock, until } from "./time.ts";

/** A real NBD server that goes away and comes back. */
export class Upstream {
  readonly socket: string;
  readonly #sandbox: Sandbox;
  readonly #program: "nbdkit" | "qemu-nbd";
  readonly #file: string;
  readonly #arguments: readonly string[];
  #process: Process | null = null;

  private constructor(sandbox: Sandbox, program: "nbdkit" | "qemu-nbd", file: string, args: readonly string[]) {
    this.socket = sandbox.path(`${program}.sock`);
    this.#sandbox = sandbox;
    this.#program = program;
    this.#file = file;
    this.#arguments = args;
  }

  /** Starts it over a file; resolves when it accepts. */
  static async start(
    sandbox: Sandbox,
    program: "nbdkit" | "qemu-nbd",
    file: string,
    args: readonly string[] = [],
  ): Promise<Upstream> {
    const upstream = new Upstream(sandbox, program, file, args);
    await upstream.comeBack();
    return upstream;
  }

  /** Starts it (again), perhaps over another file. Resolves with the clock's ms when it was first seen to accept. */
  async comeBack(file: string = this.#file): Promise<number> {
    rmSync(this.socket, { force: true });
    const process = this.#sandbox.start(this.#program, this.#commandLine(file));
    this.#process = process;
    await until(`${this.#program} to accept`, () => {
      if (process.isOver) throw new Error(`${this.#program} ended: ${process.stderr}`);
      return accepts(this.socket);
    });
    return clock.now();
  }

  /** SIGKILL: connections break, and what it had not written is gone. */
  async goAway(): Promise<void> {
    await this.#process?.kill();
  }

  /** SIGSTOP: connections stay, and nobody answers. Resolves when all its threads stand still. */
  async freeze(): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    process.signal("SIGSTOP");
    await until("every thread to stand still", () => threadStates(process.pid).every((state) => state === "T"));
  }

  /** SIGCONT. */
  thaw(): void {
    this.#process?.signal("SIGCONT");
  }

  #commandLine(file: string): string[] {
    const args = [...this.#arguments];
    if (this.#program === "nbdkit") return ["-f", "-U", this.socket, ...args, "file", file];
    return ["-t", "-e", "0", "-f", "raw", "--cache=writeback", "-k", this.socket, ...args, file];
  }
}

/** The state letters of proc(5) of all threads of a process. */
function threadStates(pid: number): string[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).map((thread) => {
    // The name in brackets may have blanks and brackets of its own.
    return readFileSync(`${folder}/${thread}/stat`, "utf8").split(") ").at(-1)?.charAt(0) ?? "";
  });
}
