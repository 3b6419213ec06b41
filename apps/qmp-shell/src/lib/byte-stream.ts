import type { QmpStream } from "@rehandle/qapi";
import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { getSystemErrorMap } from "node:util";
import { addressText, type Address } from "./address.ts";
import { ConnectionError } from "./usage-error.ts";

/** A connection to a peer, whatever it goes through. */
export interface OpenStream {
  readonly stream: QmpStream;
  /** Why it was closed; undefined if the peer just ended it. */
  readonly reason: string | undefined;
  /** Closes it; a program that was started for it ends as well. */
  close(): void;
}

/** How long a started program has to end by itself once its input is closed, ms. */
const GRACE = 200;

/** A longer line of standard error is cut. */
const LONGEST_LINE = 4096;

/**
 * Opens a connection. What a started program writes to standard error goes to `complain`, line by line.
 *
 * @throws ConnectionError (as a rejection) if nobody is there
 */
export function openStream(address: Address, complain: (line: string) => void): Promise<OpenStream> {
  return address.kind === "exec" ? startProgram(address.command, complain) : openSocket(address);
}

function openSocket(address: Exclude<Address, { kind: "exec" }>): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const socket: Socket = address.kind === "unix" ? connect(address.path) : connect(address.port, address.host);
    let reason: string | undefined;
    const opened: OpenStream = {
      stream: socket,
      get reason() {
        return reason;
      },
      close: () => socket.destroySoon(),
    };
    socket.setNoDelay(true);
    socket.once("connect", () => resolve(opened));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reason = errorWords(error);
      reject(new ConnectionError(`Failed to connect to '${addressText(address)}': ${reason}`, { cause: error }));
    });
  });
}

/** What the system says of an error: `no such file or directory`. */
function errorWords({ errno, code, message }: NodeJS.ErrnoException): string {
  const [, words] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return words ?? code ?? message;
}

/** Starts a program in a process group of its own, so that it ends with all that it started. */
function startProgram(command: string, complain: (line: string) => void): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    const abandon = (): void => signalGroup(child.pid, "SIGTERM");
    let reason: string | undefined;
    const opened: OpenStream = {
      stream: { input: child.stdout, output: child.stdin },
      get reason() {
        return reason;
      },
      close: () => {
        child.stdin.end();
        setTimeout(abandon, GRACE).unref();
      },
    };
    process.once("exit", abandon);
    child.once("spawn", () => resolve(opened));
    child.once("error", (error) => reject(new ConnectionError(`cannot start '${command}': ${error.message}`)));
    // Without a listener an error would end the shell; that the program is gone is told by its end.
    child.stdin.on("error", () => undefined);
    readLines(child.stderr.setEncoding("utf8"), complain);
    child.once("exit", (code, signal) => {
      process.removeListener("exit", abandon);
      reason = signal === null ? `the program ended with ${code}` : `the program ended by ${signal}`;
    });
  });
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // It is gone already.
  }
}

function readLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = "";
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    for (const line of lines) take(line);
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
}
