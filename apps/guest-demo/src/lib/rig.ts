import type { HangLog } from "@rehandle/demo";

import { rehandleBackend } from "./backend.ts";
import { DiskDaemon, diskSocket } from "./disk-daemon.ts";
import { makeExt4 } from "./ext4.ts";
import type { GuestImage } from "./guest-image.ts";
import { NbdServer } from "./nbd-server.ts";
import { QemuGuest } from "./qemu-guest.ts";
import type { Sandbox } from "./sandbox.ts";

/** Bytes. */
const DISK_SIZE = 64 * 1024 * 1024;
const DISK = "disk";

/** Storage, daemon and guest, connected: guest ──virtio──▶ QEMU ──vhost-user──▶ daemon ──NBD──▶ storage. */
export class Rig {
  readonly storage: NbdServer;
  readonly daemon: DiskDaemon;
  readonly guest: QemuGuest;

  private constructor(storage: NbdServer, daemon: DiskDaemon, guest: QemuGuest) {
    this.storage = storage;
    this.daemon = daemon;
    this.guest = guest;
  }

  /** Starts all three; resolves when an ext4 is mounted in the guest. `iohangTimeout`: seconds, 0 is off. */
  static async start(sandbox: Sandbox, image: GuestImage, iohangTimeout: number, hangs: HangLog): Promise<Rig> {
    const storage = new NbdServer(sandbox, "storage", sandbox.file("storage.img", DISK_SIZE));
    await storage.start();
    const daemon = await DiskDaemon.start(sandbox, {
      name: "daemon",
      command: rehandleBackend.command,
      blockdevs: rehandleBackend.nbdDisk("disk", storage.socket, iohangTimeout),
      disks: [{ id: DISK, nodeName: "disk" }],
    });
    daemon.monitor.on("BLOCK_IO_HANG", (event) => hangs.take(event));
    daemon.monitor.on("BLOCK_IO_HANG_TIMEOUT", (event) => hangs.take(event));
    const guest = await QemuGuest.boot(sandbox, { name: "guest", image, disks: [diskSocket(sandbox, DISK)] });
    await makeExt4(guest.agent, "/dev/vda");
    return new Rig(storage, daemon, guest);
  }

  /** Requests that are held now. */
  async heldRequests(): Promise<number> {
    const nodes = await this.daemon.monitor.execute("query-rehandle");
    return nodes.reduce((sum, { held }) => sum + Number(held), 0);
  }

  /** Rejects if one of the programs ends that nobody asked to. Never resolves. */
  failure(): Promise<never> {
    return Promise.race([this.daemon.process.failure(), this.guest.process.failure()]);
  }
}
