import { qemuBackend } from "../lib/backend.ts";
import { DiskDaemon, diskSocket, type ExportedDisk } from "../lib/disk-daemon.ts";
import { NbdServer } from "../lib/nbd-server.ts";
import type { Sandbox } from "../lib/sandbox.ts";
import { backend } from "./backend-under-test.ts";
import { pause, until } from "./in-sandbox.ts";

/** The node that guests use. */
const NODE = "disk";
const SIZE = 64 * 1024 * 1024;

/** What a bench is set up with. */
export interface HoldBenchOptions {
  /** How long an outage may last, s; 0 holds nothing. */
  readonly holdSeconds: number;
  /** Default: one, `disk0`. */
  readonly disks?: readonly string[];
  readonly queues?: number;
  /** Tells it from others in the sandbox. Default `bench`. */
  readonly name?: string;
}

/** An NBD server, and a daemon that holds requests while it is away. */
export class HoldBench {
  readonly storage: NbdServer;
  readonly #sandbox: Sandbox;
  readonly #options: HoldBenchOptions;
  #daemon: DiskDaemon | null = null;
  #lives = 0;

  private constructor(sandbox: Sandbox, options: HoldBenchOptions) {
    const { name = "bench" } = options;
    this.storage = new NbdServer(sandbox, `${name}-nbd`, sandbox.file(`${name}.img`, SIZE));
    this.#sandbox = sandbox;
    this.#options = options;
  }

  static async start(sandbox: Sandbox, options: HoldBenchOptions): Promise<HoldBench> {
    const bench = new HoldBench(sandbox, options);
    await bench.storage.start();
    await bench.startDaemon();
    return bench;
  }

  get daemon(): DiskDaemon {
    if (this.#daemon === null) throw new Error("there is no daemon");
    return this.#daemon;
  }

  /** The socket of one of the disks. */
  socket(disk = "disk0"): string {
    return diskSocket(this.#sandbox, disk);
  }

  /** Starts the daemon, also again after it was killed. */
  async startDaemon(): Promise<void> {
    const { holdSeconds, disks = ["disk0"], queues = 1, name = "bench" } = this.#options;
    this.#lives += 1;
    this.#daemon = await DiskDaemon.start(this.#sandbox, {
      name: `${name}-${this.#lives}`,
      command: backend.command,
      blockdevs: backend.nbdDisk(NODE, this.storage.socket, holdSeconds),
      disks: disks.map((id): ExportedDisk => ({ id, nodeName: NODE, queues })),
    });
  }

  /** Requests that are held now. */
  async held(): Promise<number> {
    const [node] = await this.daemon.monitor.execute("query-rehandle", { "node-name": NODE });
    return Number(node?.held ?? 0);
  }

  /** Waits until the daemon holds requests. */
  async untilHeld(): Promise<void> {
    // QEMU's cannot be asked.
    if (backend === qemuBackend) return pause(500);
    await until("held requests", async () => (await this.held()) > 0);
  }
}
