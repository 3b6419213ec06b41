import { createSystemClock } from "@rehandle/driver-sdk";
import { applyOptions, HelpGiven } from "./apply-options.ts";
import { Daemon } from "./daemon.ts";
import type { DaemonOptions, DaemonSurroundings } from "./daemon-options.ts";
import { createPidFile, type PidFile } from "./pid-file.ts";
import { shutDown } from "./shutdown.ts";
import { readOptions } from "./read-options.ts";
import { formatUsageError, UsageError } from "./usage-error.ts";
import { PROGRAM } from "./version.ts";

/** How long a shutdown may take, ms. */
const SHUTDOWN_DEADLINE = 5000;

/** Why a daemon ends: a signal, or the `quit` of a monitor. */
export type StopReason = "host-signal" | "host-qmp-quit";

/** A daemon that was started. */
export interface RunningDaemon {
  /** Resolves when all options are worked off, with false if the program ends instead. */
  readonly started: Promise<boolean>;
  /**
   * Resolves with the exit code when everything is over: 0 after a stop, 1 if the command line was wrong. Whatever still
   * keeps the process alive then has no work left to do.
   */
  readonly exited: Promise<number>;
  /** Ends the daemon in order, within {@link SHUTDOWN_DEADLINE}. What comes after the first call does nothing. */
  stop(reason: StopReason): void;
  /** Writes a line to the log. */
  log(level: "info" | "warning" | "error", message: string): void;
  /** Removes what must not outlive the process; for an exit without a stop. */
  abandon(): void;
}

/** Runs the storage daemon with the words of a command line, the program's own name not among them. */
export function startDaemon(argv: readonly string[], options: DaemonOptions = {}): RunningDaemon {
  return new Run(argv, {
    stdin: options.stdin ?? process.stdin,
    stdout: options.stdout ?? process.stdout,
    stderr: options.stderr ?? process.stderr,
    clock: options.clock ?? createSystemClock(),
    random: options.random ?? Math.random,
    wrapDriver: options.wrapDriver ?? ((driver) => driver),
  });
}

class Run implements RunningDaemon {
  readonly started: Promise<boolean>;
  readonly exited: Promise<number>;
  readonly #surroundings: DaemonSurroundings;
  readonly #daemon: Daemon;
  #exit!: (code: number) => void;
  #onExportsGone!: () => void;
  /** When a monitor hears the answer to its `quit`: behind the events of it, as in QEMU. */
  readonly #exportsGone: Promise<void>;
  #pidFile: PidFile | null = null;
  #stopping = false;

  constructor(argv: readonly string[], surroundings: DaemonSurroundings) {
    this.#surroundings = surroundings;
    this.#daemon = new Daemon(surroundings, () => {
      this.stop("host-qmp-quit");
      return this.#exportsGone;
    });
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
    this.#exportsGone = new Promise((resolve) => {
      this.#onExportsGone = resolve;
    });
    this.started = this.#start(argv);
  }

  log(level: "info" | "warning" | "error", message: string): void {
    this.#daemon.log.write(level, "daemon", message);
  }

  stop(reason: StopReason): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.log("info", `shutting down: ${reason === "host-signal" ? "signal" : "quit of a monitor"}`);
    this.#daemon.monitors.emit("SHUTDOWN", { guest: false, reason });
    const { clock } = this.#surroundings;
    const timer = clock.setTimer(SHUTDOWN_DEADLINE, () => {
      this.log("warning", `not everything could be ended within ${SHUTDOWN_DEADLINE / 1000} s`);
      this.#end(0);
    });
    shutDown(this.#daemon, clock, this.#onExportsGone)
      .catch((error: unknown) => this.log("error", `shutdown: ${String(error)}`))
      .finally(() => {
        timer.cancel();
        this.#end(0);
      });
  }

  abandon(): void {
    this.#pidFile?.remove();
  }

  #end(code: number): void {
    this.#daemon.log.close();
    this.#pidFile?.remove();
    if (this.#stopping) this.log("info", "ended");
    this.#exit(code);
  }

  async #start(argv: readonly string[]): Promise<boolean> {
    try {
      const options = await readOptions(argv, this.#surroundings.stdout);
      if (typeof options === "string") {
        this.#answer(options);
        return false;
      }
      const applied = await applyOptions(this.#daemon, options, { say: this.#say }, () => this.#stopping);
      if (applied instanceof HelpGiven) {
        this.#answer(applied.text, applied.code);
        return false;
      }
      if (this.#stopping) return false;
      if (applied.pidFile !== null) this.#pidFile = await createPidFile(applied.pidFile, process.pid);
      this.log("info", `ready, pid ${process.pid}; ${this.#daemon.describe()}`);
      return true;
    } catch (error) {
      await this.#fail(error);
      return false;
    }
  }

  readonly #say = (option: string, level: "warning" | "info", message: string): void => {
    this.#surroundings.stderr.write(`${PROGRAM}: ${option}: ${level}: ${message}\n`);
  };

  #answer(text: string, code = 0): void {
    this.#surroundings.stdout.write(text, () => this.#end(code));
  }

  async #fail(error: unknown): Promise<void> {
    // What goes wrong because of a stop is no news.
    if (this.#stopping) return;
    const isUsage = error instanceof UsageError;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const text = isUsage ? formatUsageError(error, PROGRAM) : `${PROGRAM}: ${detail}`;
    this.#surroundings.stderr.write(`${text}\n`);
    this.#stopping = true;
    for (const chardev of this.#daemon.chardevs.values()) chardev.close();
    const { clock } = this.#surroundings;
    const timer = clock.setTimer(SHUTDOWN_DEADLINE, () => this.#exit(1));
    await this.#daemon.closeExports("vhost-user-blk", 0);
    await this.#daemon.closeExports("nbd", 0);
    await this.#daemon.graph.closeAll();
    timer.cancel();
    this.#exit(1);
  }
}
