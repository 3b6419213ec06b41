import type { Socket } from "node:net";

import { GuestAgent } from "./guest-agent.ts";
import type { GuestImage } from "./guest-image.ts";
import { openMonitor, type GuestMonitor, type QemuSchema } from "./guest-monitor.ts";
import { LineLog } from "./line-log.ts";
import type { RunningProcess, Sandbox } from "./sandbox.ts";
import { within } from "./sleep.ts";

/** How long QEMU may take to connect, and the guest to boot, ms. Emulation on a busy machine takes its time. */
const CONNECT_DEADLINE = 30_000;
const BOOT_DEADLINE = 120_000;
/** Warnings and errors of the kernel, and nothing below; without what only makes an emulated kernel boot slowly. */
const KERNEL_LINE = "console=ttyS0 quiet loglevel=5 mitigations=off cryptomgr.notests tsc=reliable";

/** What a guest is started with. */
export interface QemuGuestOptions {
  /** Tells its files from others' in the sandbox. */
  readonly name: string;
  /** What it boots from; without, it boots from its first disk. */
  readonly image?: GuestImage;
  /** vhost-user-blk sockets of its disks: /dev/vda, /dev/vdb, … */
  readonly disks: readonly string[];
  /** Request queues of every disk. Default 1. */
  readonly queues?: number;
  /** Virtual processors. Default 1. */
  readonly processors?: number;
  /** MiB. Default 96. */
  readonly memory?: number;
  /** Waits for a migration instead of booting. */
  readonly incoming?: boolean;
  /** More arguments. */
  readonly qemuArguments?: readonly string[];
}

/** A Linux guest on QEMU, by software emulation. */
export class QemuGuest {
  readonly process: RunningProcess;
  /** What the guest prints on its serial port: its kernel's messages. */
  readonly console: LineLog;
  readonly agent: GuestAgent;
  readonly monitor: GuestMonitor;
  readonly #channel: Socket;

  private constructor(
    process: RunningProcess,
    console: LineLog,
    agent: GuestAgent,
    monitor: GuestMonitor,
    channel: Socket,
  ) {
    this.process = process;
    this.console = console;
    this.agent = agent;
    this.monitor = monitor;
    this.#channel = channel;
  }

  /** Starts it; resolves when the monitor answers. The guest boots meanwhile. */
  static async start(sandbox: Sandbox, options: QemuGuestOptions, movedFrom?: QemuGuest): Promise<QemuGuest> {
    const { name } = options;
    const [serial, channel, qmp] = await Promise.all(
      ["serial", "agent", "qmp"].map((what) => sandbox.expectConnection(`${name}-${what}.sock`)),
    );
    if (serial === undefined || channel === undefined || qmp === undefined) throw new Error("no sockets");
    const args = qemuArguments(options, serial.path, channel.path, qmp.path);
    const process = sandbox.start("qemu-system-x86_64", args);
    const console = movedFrom?.console ?? new LineLog(sandbox.clock, `${name}'s console`);
    void serial.connection.then((socket) => read(socket, (text) => console.take(text)));
    const connected = Promise.all([channel.connection, qmp.connection.then(openMonitor<QemuSchema>)]);
    const [socket, monitor] = await within(
      sandbox.clock,
      CONNECT_DEADLINE,
      Promise.race([connected, process.failure()]),
      "QEMU did not start",
    );
    const write = (text: string): void => void socket.write(text);
    const agent = movedFrom?.agent ?? new GuestAgent(sandbox.clock, write);
    agent.moveTo(write);
    read(socket, (text) => agent.receive(text));
    return new QemuGuest(process, console, agent, monitor, socket);
  }

  /** Starts it; resolves when its agent takes commands. */
  static async boot(sandbox: Sandbox, options: QemuGuestOptions): Promise<QemuGuest> {
    const guest = await QemuGuest.start(sandbox, options);
    await guest.untilBooted();
    return guest;
  }

  /** Resolves when the agent is ready for the `boots`-th time. @throws Error (as a rejection) if QEMU ends */
  async untilBooted(boots = 1): Promise<void> {
    await Promise.race([this.agent.untilReady(BOOT_DEADLINE, boots), this.process.failure()]);
  }

  /** Ends QEMU at once, as if the power failed. */
  async kill(): Promise<void> {
    this.monitor.end();
    this.#channel.destroy();
    await this.process.kill();
  }
}

function read(socket: Socket, take: (text: string) => void): void {
  socket.setEncoding("utf8").on("data", (text: string) => take(text));
}

/** The command line, as an operator would write it, but for what tests need: no window, a console and an agent. */
function qemuArguments(options: QemuGuestOptions, serial: string, channel: string, qmp: string): string[] {
  const { image, disks, queues = 1, processors = 1, memory = 96, incoming = false } = options;
  return [
    ["-nodefaults", "-display", "none"],
    ["-machine", "q35,accel=tcg,memory-backend=mem", "-cpu", "max"],
    ["-smp", String(processors), "-m", `${memory}M`],
    // The backend maps the guest's memory: it must be shared.
    ["-object", `memory-backend-memfd,id=mem,size=${memory}M,share=on`],
    ["-chardev", `socket,id=serial,path=${serial}`, "-serial", "chardev:serial"],
    ["-chardev", `socket,id=agent,path=${channel}`, "-serial", "chardev:agent"],
    ["-chardev", `socket,id=qmp,path=${qmp}`, "-mon", "chardev=qmp,mode=control"],
    image === undefined ? [] : ["-kernel", image.kernel, "-initrd", image.initramfs, "-append", KERNEL_LINE],
    ...disks.map((path, index) => diskArguments(path, `disk${index}`, queues)),
    incoming ? ["-incoming", "defer"] : [],
    options.qemuArguments ?? [],
  ].flat();
}

function diskArguments(path: string, id: string, queues: number): string[] {
  return [
    // Connects again, each second, when the backend has gone away.
    ["-chardev", `socket,id=${id}-socket,path=${path},reconnect=1`],
    ["-device", `vhost-user-blk-pci,id=${id},chardev=${id}-socket,num-queues=${queues}`],
  ].flat();
}
