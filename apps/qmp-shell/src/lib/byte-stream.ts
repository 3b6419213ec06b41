import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { getSystemErrorMap } from "node:util";
import { addressText, type Address } from "./address.ts";
import { ConnectionError } from "./usage-error.ts";

/** What to call when something happens to a {@link ByteStream}. */
export interface StreamListener {
  readonly data: (bytes: Uint8Array) => void;
  /** The stream is over; called once. `reason` is undefined if the peer just ended it. */
  readonly closed: (reason: string | undefined) => void;
  /** A line that a started program wrote to standard error. */
  readonly complaint: (line: string) => void;
}

/** A connection to a peer, whatever it goes through. */
export interface ByteStream {
  write(bytes: Uint8Array): void;
  /** Closes it; a program that was started for it ends as well. */
  end(): void;
}

/** How long a started program has to end by itself once its input is closed, ms. */
const GRACE = 200;

/** A longer line of standard error is cut. */
const LONGEST_LINE = 4096;

/** Opens a connection. @throws ConnectionError (as a rejection) if nobody is there */
export function openStream(address: Address, listener: StreamListener): Promise<ByteStream> {
  return address.kind === "exec" ? startProgram(address.command, listener) : openSocket(address, listener);
}

function openSocket(address: Exclude<Address, { kind: "exec" }>, listener: StreamListener): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const socket: Socket = address.kind === "unix" ? connect(address.path) : connect(address.port, address.host);
    let reason: string | undefined;
    socket.setNoDelay(true);
    socket.once("connect", () => {
      resolve({ write: (bytes) => void socket.write(bytes), end: () => socket.destroySoon() });
    });
    socket.on("data", listener.data);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reason = errorWords(error);
      reject(new ConnectionError(`Failed to connect to '${addressText(address)}': ${reason}`, { cause: error }));
    });
    socket.on("close", () => listener.closed(reason));
  });
}

/** What the system says of an error: `no such file or directory`. */
function errorWords({ errno, code, message }: NodeJS.ErrnoException): string {
  const [, words] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return words ?? code ?? message;
}

/** Starts a program in a process group of its own, so that it ends with all that it started. */
function startProgram(command: string, listener: StreamListener): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    const signal = (name: NodeJS.Signals): void => signalGroup(child.pid, name);
    const abandon = (): void => signal("SIGTERM");
    process.once("exit", abandon);
    child.once("spawn", () => {
      resolve({
        write: (bytes) => void child.stdin.write(bytes),
        end: () => {
          child.stdin.end();
          setTimeout(abandon, GRACE).unref();
        },
      });
    });
    child.once("error", (error) => reject(new ConnectionError(`cannot start '${command}': ${error.message}`)));
    child.stdin.on("error", () => undefined);
    child.stdout.on("data", listener.data);
    readLines(child.stderr.setEncoding("utf8"), listener.complaint);
    child.once("close", (code, signalName) => {
      process.removeListener("exit", abandon);
      listener.closed(signalName === null ? `the program ended with ${code}` : `the program ended by ${signalName}`);
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
