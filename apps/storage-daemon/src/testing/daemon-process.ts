import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connectMonitor, type MonitorClient } from "./monitor-client.ts";
import { until } from "./time.ts";
import type { Process, Sandbox } from "./sandbox.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** How the program is run from its sources. */
export const DAEMON_COMMAND: readonly string[] = [
  "--conditions=@rehandle/source",
  "--disable-warning=ExperimentalWarning",
  MAIN,
];

/** A running daemon with a monitor. */
export interface DaemonProcess {
  readonly process: Process;
  readonly monitor: MonitorClient;
  /** Its NBD socket. */
  readonly socket: string;
  /** The URI of one of its exports. */
  uri(name: string): string;
}

/** Starts the daemon with these options besides an NBD server (unless they have one), a monitor and a pid file; resolves when it is ready. */
export async function startDaemonProcess(
  sandbox: Sandbox,
  options: readonly string[],
  name = "daemon",
): Promise<DaemonProcess> {
  const socket = sandbox.path(`${name}.sock`);
  const monitorSocket = sandbox.path(`${name}-qmp.sock`);
  const pidFile = sandbox.path(`${name}.pid`);
  const process = sandbox.start(globalThis.process.execPath, [
    ...DAEMON_COMMAND,
    "--chardev",
    `socket,id=qmp,path=${monitorSocket},server=on,wait=off`,
    "--monitor",
    "qmp",
    ...(options.includes("--nbd-server") ? [] : ["--nbd-server", `addr.type=unix,addr.path=${socket}`]),
    ...options,
    "--pidfile",
    pidFile,
  ]);
  await until("the daemon's pid file", () => {
    if (process.isOver) throw new Error(`the daemon ended: ${process.stderr}`);
    return existsSync(pidFile);
  });
  const monitor = await connectMonitor(monitorSocket);
  return { process, monitor, socket, uri: (exportName) => `nbd+unix:///${exportName}?socket=${socket}` };
}
