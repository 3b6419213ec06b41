import type { QmpClient, RehandleSchema } from "@rehandle/qapi";

import type { DaemonCommand } from "./backend.ts";
import { openMonitor } from "./guest-monitor.ts";
import type { RunningProcess, Sandbox } from "./sandbox.ts";
import { within } from "./sleep.ts";

/** How long it may take to start and to end, ms. */
const START_DEADLINE = 30_000;
const END_DEADLINE = 20_000;

/** A disk that a daemon gives to a guest. */
export interface ExportedDisk {
  readonly id: string;
  readonly nodeName: string;
  /** Default 1. */
  readonly queues?: number;
}

/** What a daemon is started with. */
export interface DiskDaemonOptions {
  /** Tells its sockets from others' in the sandbox. */
  readonly name: string;
  readonly command: DaemonCommand;
  /** `--blockdev` arguments, in their order. */
  readonly blockdevs: readonly string[];
  readonly disks: readonly ExportedDisk[];
}

/** A running storage daemon that is the backend of guests' disks. */
export class DiskDaemon {
  readonly process: RunningProcess;
  readonly monitor: QmpClient<RehandleSchema>;

  private constructor(process: RunningProcess, monitor: QmpClient<RehandleSchema>) {
    this.process = process;
    this.monitor = monitor;
  }

  /** Starts it; resolves when its monitor answers, and so its disks can be used. */
  static async start(sandbox: Sandbox, options: DiskDaemonOptions, life = 1): Promise<DiskDaemon> {
    const { name, command } = options;
    const qmp = await sandbox.expectConnection(`${name}-qmp${life}.sock`);
    const [program, ...first] = command;
    const args = [
      ...options.blockdevs.flatMap((blockdev) => ["--blockdev", blockdev]),
      ...options.disks.flatMap((disk) => ["--export", exportOption(sandbox, disk)]),
      "--chardev",
      `socket,id=qmp,path=${qmp.path}`,
      "--monitor",
      "chardev=qmp",
    ];
    const process = sandbox.start(program, [...first, ...args]);
    const connected = qmp.connection.then(openMonitor<RehandleSchema>);
    const started = Promise.race([connected, process.failure()]);
    const monitor = await within(sandbox.clock, START_DEADLINE, started, `${program} did not start`);
    return new DiskDaemon(process, monitor);
  }

  /** Ends it as an operator would; resolves with its exit code. */
  async stop(sandbox: Sandbox): Promise<number | string> {
    this.process.signal("SIGTERM");
    const how = await within(sandbox.clock, END_DEADLINE, this.process.ended, "the daemon did not end after SIGTERM");
    this.monitor.end();
    return how;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.process.kill();
    this.monitor.closed();
  }
}

/** Where a disk's socket is: one that guests connect to again when the daemon was started again. */
export function diskSocket(sandbox: Sandbox, id: string): string {
  return sandbox.path(`${id}.sock`);
}

function exportOption(sandbox: Sandbox, { id, nodeName, queues = 1 }: ExportedDisk): string {
  const address = `addr.type=unix,addr.path=${diskSocket(sandbox, id)}`;
  return `type=vhost-user-blk,id=${id},node-name=${nodeName},${address},writable=on,num-queues=${queues}`;
}
