import { fork, spawn, type ChildProcess, type Serializable } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Clock } from "@rehandle/driver-sdk";

import { within } from "./sleep.ts";

/** A unix socket's path is at most 107 bytes on Linux, 103 elsewhere; this leaves room for the folder and a file's name. */
const LONGEST_TEMPORARY_FOLDER = 60;
/** Characters of a process's output that are kept for when it fails. */
const KEPT_OUTPUT = 2000;
/** How long a process may take to end, ms. */
const END_DEADLINE = 10_000;

/** A process that the demo started. */
export interface Process {
  /** Sends it a message. */
  tell(message: string): void;
  /** The next message that it sends with `process.send`. */
  message(): Promise<Serializable>;
  /** Ends it; resolves with its exit code or the signal's name. @throws Error (as a rejection) if it does not end. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | string>;
}

/** Everything that the demo leaves on the machine while it runs: processes and one folder. */
export class Processes {
  /** A folder for sockets and images. */
  readonly folder: string;
  /** Rejects, with what it printed last, when a process ends unasked. Never resolves. */
  readonly failure: Promise<never>;
  readonly #clock: Clock;
  readonly #running: Set<ChildProcess> = new Set();
  #fail: (error: Error) => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    const parent = tmpdir().length > LONGEST_TEMPORARY_FOLDER ? "/tmp" : tmpdir();
    this.folder = mkdtempSync(join(parent, "rehandle-demo-"));
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failure.catch(() => undefined);
  }

  /** Runs a module in a Node of its own, with the flags of this one. `talks`: it exchanges messages. */
  start(name: string, module: string, args: readonly string[], talks: boolean): Process {
    const child = talks
      ? fork(module, args, { stdio: ["ignore", "pipe", "pipe", "ipc"] })
      : spawn(process.execPath, [...process.execArgv, module, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-KEPT_OUTPUT);
      });
    }
    const ended = new Promise<number | string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => resolve(code ?? signal ?? "nothing"));
    });
    void ended.then((how) => {
      // Those that are asked to end are taken off the list first.
      if (this.#running.delete(child))
        this.#fail(new Error(`${name} ended with ${how}\n${output.trimEnd()}`.trimEnd()));
    });
    return {
      tell: (message) => void child.send?.(message),
      message: () =>
        new Promise((resolve) => {
          child.once("message", resolve);
        }),
      end: (signal) => {
        this.#running.delete(child);
        child.kill(signal);
        return within(this.#clock, END_DEADLINE, ended, `${name} did not end within 10 s of ${signal}`);
      },
    };
  }

  /** Kills whatever still runs, at once. */
  killAll(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    this.#running.clear();
  }

  /** Kills what still runs and deletes the folder, at once. May be called again, and from an `exit` listener. */
  cleanUp(): void {
    this.killAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
