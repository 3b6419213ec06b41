import { readFileSync } from "node:fs";

import { createNbdDriver } from "@rehandle/driver-nbd";
import { createBlockClient, type BlockClient, type BlockDriver, type Clock, type Random } from "@rehandle/driver-sdk";

import { Daemon } from "./daemon.ts";
import type { HangLog } from "./hang-log.ts";
import type { Processes } from "./processes.ts";
import { Storage } from "./storage.ts";

/** How long opening the disk may take, seconds. */
const OPEN_TIMEOUT = 10;

/** What a rig is made of. */
export interface RigOptions {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly random: Random;
  /** Tells its files from others' of the demo. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Seconds; 0 is off. */
  readonly iohangTimeout: number;
  readonly hangs: HangLog;
}

/** Storage, daemon and client, connected: client ──NBD──▶ daemon ──NBD──▶ storage. */
export class Rig {
  readonly storage: Storage;
  readonly daemon: Daemon;
  readonly client: BlockClient;
  readonly #disk: BlockDriver;

  private constructor(storage: Storage, daemon: Daemon, disk: BlockDriver) {
    this.storage = storage;
    this.daemon = daemon;
    this.client = createBlockClient(disk);
    this.#disk = disk;
  }

  /** Starts all three; resolves when the client's disk is open. */
  static async start({ processes, clock, random, name, size, iohangTimeout, hangs }: RigOptions): Promise<Rig> {
    const storage = new Storage(processes, clock, name, size);
    await storage.start();
    const daemon = await Daemon.start(processes, clock, { name, upstream: storage.socket, iohangTimeout, hangs });
    const disk = createNbdDriver({
      server: { type: "unix", path: daemon.socket },
      export: "disk",
      // The client is one that knows nothing of holding: what fails, it sees at once.
      reconnectDelay: 0,
      openTimeout: OPEN_TIMEOUT,
    });
    await disk.open({ clock, random, held: false, onEvent: () => undefined });
    return new Rig(storage, daemon, disk);
  }

  /** Ends client and daemon as an operator would, and gives what the storage's file holds then. */
  async stop(): Promise<Uint8Array> {
    await this.#disk.close();
    await this.daemon.stop();
    return readFileSync(this.storage.image);
  }
}
