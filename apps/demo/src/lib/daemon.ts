import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Clock } from "@rehandle/driver-sdk";

import type { HangLog } from "./hang-log.ts";
import { connectMonitor, type Monitor } from "./monitor.ts";
import type { Process, Processes } from "./processes.ts";
import { sleep } from "./sleep.ts";

/** How long the process may take to start, ms. */
const START_DEADLINE = 20_000;
/** Between two looks whether it listens, ms. */
const START_POLL = 20;

/** What a daemon is started with. */
export interface DaemonOptions {
  /** Tells its files from others' of the demo. */
  readonly name: string;
  /** Where the storage listens. */
  readonly upstream: string;
  /** Seconds; 0 is off. */
  readonly iohangTimeout: number;
  readonly hangs: HangLog;
}

/** A running `rehandle-storage-daemon`, with I/O hang between the storage and the clients. */
export class Daemon {
  /** The unix socket for clients. */
  readonly socket: string;
  readonly #process: Process;
  readonly #monitor: Monitor;

  private constructor(socket: string, process: Process, monitor: Monitor) {
    this.socket = socket;
    this.#process = process;
    this.#monitor = monitor;
  }

  /** Starts the process; resolves when its monitor answers. */
  static async start(processes: Processes, clock: Clock, options: DaemonOptions): Promise<Daemon> {
    const socket = join(processes.folder, `${options.name}-daemon.sock`);
    const monitorSocket = join(processes.folder, `${options.name}-qmp.sock`);
    const args = daemonArguments(options.upstream, options.iohangTimeout, socket, monitorSocket);
    const process = processes.start("rehandle-storage-daemon", daemonModule(), args, false);
    const monitor = await tryToConnect(clock, monitorSocket);
    monitor.on("BLOCK_IO_HANG", (event) => options.hangs.take(event));
    monitor.on("BLOCK_IO_HANG_TIMEOUT", (event) => options.hangs.take(event));
    return new Daemon(socket, process, monitor);
  }

  /** Requests that are held now. */
  async heldRequests(): Promise<number> {
    const nodes = await this.#monitor.execute("query-rehandle");
    return nodes.reduce((sum, { held }) => sum + Number(held), 0);
  }

  /** Asks it to end as an operator would. @throws Error (as a rejection) if it does not, or not well. */
  async stop(): Promise<void> {
    this.#monitor.end();
    const how = await this.#process.end("SIGTERM");
    if (how !== 0) throw new Error(`rehandle-storage-daemon ended with ${how} after SIGTERM`);
  }
}

/** The daemon's command line, as an operator would write it. */
function daemonArguments(upstream: string, iohangTimeout: number, socket: string, monitor: string): string[] {
  return [
    ["--blockdev", `driver=nbd,node-name=storage,server.type=unix,server.path=${upstream},export=disk`],
    ["--blockdev", `driver=rehandle,node-name=disk,file=storage,iohang-timeout=${iohangTimeout}`],
    ["--nbd-server", `addr.type=unix,addr.path=${socket}`],
    ["--export", "type=nbd,id=export0,node-name=disk,name=disk,writable=on"],
    ["--chardev", `socket,id=qmp,path=${monitor},server=on,wait=off`],
    ["--monitor", "chardev=qmp"],
  ].flat();
}

/** The daemon's program, from where this one is: sources beside sources, what was built beside what was built. */
function daemonModule(): string {
  const index = import.meta.resolve("@rehandle/storage-daemon");
  return fileURLToPath(new URL(`./main${extname(index)}`, index));
}

/** Tries until the monitor answers. @throws Error (as a rejection) with the last reason if it never does. */
async function tryToConnect(clock: Clock, path: string): Promise<Monitor> {
  const deadline = clock.now() + START_DEADLINE;
  for (;;) {
    try {
      return await connectMonitor(path);
    } catch (error) {
      if (clock.now() > deadline) throw new Error("rehandle-storage-daemon's monitor did not answer", { cause: error });
    }
    await sleep(clock, START_POLL);
  }
}
