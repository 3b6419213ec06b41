import { fileURLToPath } from "node:url";
import { DISK, type Place } from "./subject.ts";

/** The published program, as npm installs it. */
export const publishedDaemon: string = fileURLToPath(
  new URL("../bin/rehandle-storage-daemon.js", import.meta.resolve("@rehandle/storage-daemon")),
);

/** What stands above the storage: I/O hang as it is by default, switched off, or nothing at all. */
export type Hang = "on" | "off" | "bare";

/** The command line of our daemon with one export over the storage that `blockdev` describes (without its node-name). */
export function ourDaemon(place: Place, blockdev: string, hang: Hang): string[] {
  return [
    ...programOf(place),
    ...nodes(blockdev, hang),
    ...nbdServer(place),
    "--export",
    `nbd,id=e,node-name=${DISK},name=${DISK},writable=on`,
  ];
}

/** The storage, and what stands above it: its name is that of the disk. */
function nodes(blockdev: string, hang: Hang): string[] {
  if (hang === "bare") return ["--blockdev", `${blockdev},node-name=${DISK}`];
  const off = hang === "off" ? ",iohang-timeout=0" : "";
  return ["--blockdev", `${blockdev},node-name=storage`, "--blockdev", `rehandle,node-name=${DISK},file=storage${off}`];
}

/** The same with I/O hang, over NBD, with a monitor at the socket `monitor`. */
export function ourWatchedProxy(place: Place, monitor: string): string[] {
  return [
    ...ourDaemon(place, overNbd(place), "on"),
    "--chardev",
    `socket,id=qmp,path=${monitor},server=on,wait=off`,
    "--monitor",
    "qmp",
  ];
}

/** The blockdev of an NBD upstream, without its node-name. */
export function overNbd(place: Place): string {
  return `nbd,server.type=unix,server.path=${place.upstream},export=${DISK}`;
}

/** One export for each small disk, each with I/O hang on. */
export function ourManyExports(place: Place): string[] {
  const nodes = place.names.flatMap((name) => [
    "--blockdev",
    `file,node-name=f-${name},filename=${place.folder}/${name}`,
    "--blockdev",
    `rehandle,node-name=${name},file=f-${name}`,
  ]);
  const exports = place.names.flatMap((name) => [
    "--export",
    `nbd,id=e-${name},node-name=${name},name=${name},writable=on`,
  ]);
  return [...programOf(place), ...nodes, ...nbdServer(place), ...exports];
}

/** The vhost-user-blk export; front ends connect to the place's socket. */
export function ourVhostUser(place: Place, hang: Hang): string[] {
  return [
    ...programOf(place),
    ...nodes(`file,filename=${place.disk}`, hang),
    "--export",
    `vhost-user-blk,id=e,node-name=${DISK},addr.type=unix,addr.path=${place.socket},writable=on`,
  ];
}

function programOf(place: Place): string[] {
  return [place.node, ...nodeOptions(), place.daemon];
}

/** Further options for the Node of our daemon, such as `--cpu-prof`, from the environment variable BENCH_NODE_OPTIONS. */
function nodeOptions(): string[] {
  return (process.env["BENCH_NODE_OPTIONS"] ?? "").split(" ").filter((option) => option !== "");
}

function nbdServer(place: Place): string[] {
  return ["--nbd-server", `addr.type=unix,addr.path=${place.socket}`];
}
