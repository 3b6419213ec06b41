import type { Clock } from "@rehandle/driver-sdk";

import { LineLog } from "./line-log.ts";
import { within } from "./sleep.ts";

/** How long a command may take unless its caller says otherwise, ms. */
const COMMAND_DEADLINE = 60_000;

/** How a command in the guest ended. */
export interface CommandResult {
  /** The exit code; 128 + N after signal N. */
  readonly code: number;
  /** What it printed, without the last line's end. */
  readonly output: string;
}

/** A command that runs in the guest. */
export interface GuestCommand {
  /** What it prints. */
  readonly output: LineLog;
  /** Resolves when it has ended; never if the guest goes away before. */
  readonly ended: Promise<CommandResult>;
  /** Sends a signal to all of its processes. */
  kill(signal: "TERM" | "KILL"): void;
}

interface Running {
  readonly output: LineLog;
  resolve(result: CommandResult): void;
}

/** The host's end of the guest's agent (guest/agent), which runs shell commands. */
export class GuestAgent {
  readonly #clock: Clock;
  readonly #log: LineLog;
  readonly #running = new Map<number, Running>();
  #write: (text: string) => void;
  #lastId = 0;
  #boots = 0;

  /** `write` sends text to the guest. */
  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
    this.#log = new LineLog(clock, "the guest's agent");
    this.#log.onLine((line) => this.#take(line));
  }

  /** How often the agent said that it is ready: once for every boot. */
  get boots(): number {
    return this.#boots;
  }

  /** Takes text from the guest. */
  receive(text: string): void {
    this.#log.take(text);
  }

  /** The guest is somewhere else from now on. What runs in it goes on. */
  moveTo(write: (text: string) => void): void {
    this.#write = write;
  }

  /** Resolves when the guest is ready for the `boots`-th time. */
  async untilReady(deadline: number, boots = 1): Promise<void> {
    while (this.#boots < boots) await this.#log.until(/ready$/, deadline);
  }

  /** Starts a shell command. */
  spawn(command: string): GuestCommand {
    const id = ++this.#lastId;
    const output = new LineLog(this.#clock, command);
    const ended = new Promise<CommandResult>((resolve) => this.#running.set(id, { output, resolve }));
    this.#write(`run ${id} ${Buffer.from(command).toString("hex")}\n`);
    return { output, ended, kill: (signal) => this.#write(`kill ${id} ${signal}\n`) };
  }

  /** Runs a shell command to its end, whatever that is. @throws Error (as a rejection) if it takes longer than `deadline` ms */
  run(command: string, deadline: number = COMMAND_DEADLINE): Promise<CommandResult> {
    const { ended } = this.spawn(command);
    return within(this.#clock, deadline, ended, `the guest did not finish within ${deadline} ms: ${command}`);
  }

  /** Runs a shell command and resolves with what it printed. @throws Error (as a rejection) if it fails */
  async mustRun(command: string, deadline?: number): Promise<string> {
    const { code, output } = await this.run(command, deadline);
    if (code !== 0) throw new Error(`in the guest, ${command} ended with ${code}: ${output}`);
    return output;
  }

  #take(line: string): void {
    const [, verb, id, rest = ""] = /^(out|end) (\d+) (.*)$/.exec(line) ?? [];
    // The terminal may still hold what was sent to a guest that was reset.
    if (line.endsWith("ready") && verb === undefined) return this.#ready();
    const running = this.#running.get(Number(id));
    if (verb === "out") running?.output.take(`${rest}\n`);
    else if (verb === "end") {
      this.#running.delete(Number(id));
      running?.resolve({ code: Number(rest), output: running.output.lines.join("\n") });
    }
  }

  #ready(): void {
    this.#boots += 1;
    // Commands of the boot before are gone with it.
    this.#running.clear();
  }
}
