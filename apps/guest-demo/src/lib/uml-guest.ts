import type { StdioOptions } from "node:child_process";
import { Duplex } from "node:stream";

import { GuestAgent } from "./guest-agent.ts";
import type { GuestImage } from "./guest-image.ts";
import type { LineLog } from "./line-log.ts";
import type { RunningProcess, Sandbox } from "./sandbox.ts";

/** How long the guest may take to boot, ms. */
const BOOT_DEADLINE = 60_000;
/** Device ID of a block device (virtio 1.2, 5.2.1). */
const VIRTIO_ID_BLOCK = 2;

/** Its second serial line is this file descriptor, a socket. */
const AGENT_FD = 3;
const STDIO: StdioOptions = ["ignore", "pipe", "pipe", "pipe"];

/** What a guest is started with. */
export interface UmlGuestOptions {
  readonly image: GuestImage;
  /** vhost-user-blk sockets of its disks: /dev/vda, /dev/vdb, … */
  readonly disks: readonly string[];
  /** MiB. Default 96. */
  readonly memory?: number;
}

/**
 * A Linux guest under User-Mode Linux: a kernel that is a process, and itself the front end of its disks. Nothing is
 * emulated, so it is quicker than QEMU without KVM; but it has no monitor, and no way back to a backend that went away.
 */
export class UmlGuest {
  readonly process: RunningProcess;
  /** What its kernel says. */
  readonly console: LineLog;
  readonly agent: GuestAgent;

  private constructor(process: RunningProcess, console: LineLog, agent: GuestAgent) {
    this.process = process;
    this.console = console;
    this.agent = agent;
  }

  /** Starts it; resolves when its agent takes commands. */
  static async boot(sandbox: Sandbox, { image, disks, memory = 96 }: UmlGuestOptions): Promise<UmlGuest> {
    const disksArguments = disks.map((socket) => `virtio_uml.device=${socket}:${VIRTIO_ID_BLOCK}`);
    const process = sandbox.start(
      "linux.uml",
      [...umlArguments(image, memory, sandbox.folder), ...disksArguments],
      STDIO,
    );
    const channel = process.child.stdio[AGENT_FD];
    if (!(channel instanceof Duplex)) throw new Error("no way to talk to the guest");
    const agent = new GuestAgent(sandbox.clock, (text) => void channel.write(text));
    channel.setEncoding("utf8").on("data", (text: string) => agent.receive(text));
    // The guest is gone.
    channel.on("error", () => undefined);
    const guest = new UmlGuest(process, process.output, agent);
    await Promise.race([agent.untilReady(BOOT_DEADLINE), process.failure()]);
    return guest;
  }
}

function umlArguments(image: GuestImage, memory: number, folder: string): string[] {
  return [
    `mem=${memory}M`,
    `initrd=${image.initramfs}`,
    "quiet",
    "loglevel=5",
    // Where it leaves its pid; otherwise in the user's home.
    `uml_dir=${folder}/`,
    // Its console is its standard output; there are no other consoles.
    "con0=null,fd:1",
    "con=null",
    "ssl=null",
    `ssl1=fd:${AGENT_FD},fd:${AGENT_FD}`,
  ];
}
