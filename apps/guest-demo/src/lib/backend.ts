import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** A program with the command line of `qemu-storage-daemon`, and the arguments that come first. */
export type DaemonCommand = readonly [program: string, ...args: string[]];

/** A storage daemon, and how its nodes are described. */
export interface Backend {
  readonly name: string;
  readonly command: DaemonCommand;
  /** The guest hears of it when `block_resize` changed the size of its disk. */
  readonly announcesResize: boolean;
  /**
   * The `--blockdev` arguments of a node over the storage that an NBD server has, which holds requests for so many seconds
   * while the server is away; with 0 it holds none.
   */
  nbdDisk(nodeName: string, socket: string, holdSeconds: number): string[];
}

const DAEMON_INDEX = import.meta.resolve("@rehandle/storage-daemon");

/** Node with its flags for a module of this repository: sources use sources, what was built uses what was built. */
export const NODE_COMMAND: DaemonCommand = [
  process.execPath,
  ...(extname(DAEMON_INDEX) === ".ts" ? ["--conditions=@rehandle/source"] : []),
  "--disable-warning=ExperimentalWarning",
];

/** This repository's. */
export const rehandleBackend: Backend = {
  name: "rehandle-storage-daemon",
  command: rehandleCommand(),
  announcesResize: true,
  nbdDisk: (nodeName, socket, holdSeconds) => [
    `driver=nbd,node-name=${nodeName}-storage,server.type=unix,server.path=${socket}`,
    `driver=rehandle,node-name=${nodeName},file=${nodeName}-storage,iohang-timeout=${holdSeconds}`,
  ],
};

/** QEMU's own. Its NBD client sends requests again that were lost with the connection, which is a kind of holding. */
export const qemuBackend: Backend = {
  name: "qemu-storage-daemon",
  command: ["qemu-storage-daemon"],
  // Later versions than Debian 12's do it.
  announcesResize: false,
  nbdDisk: (nodeName, socket, holdSeconds) => [
    `driver=nbd,node-name=${nodeName},server.type=unix,server.path=${socket},reconnect-delay=${holdSeconds}`,
  ],
};

function rehandleCommand(): DaemonCommand {
  const main = fileURLToPath(new URL(`./main${extname(DAEMON_INDEX)}`, DAEMON_INDEX));
  return [...NODE_COMMAND, main];
}
