/** As fio calls them; `randrw` reads seven times in ten. */
export type Pattern = "randread" | "randwrite" | "randrw" | "read" | "write";

/** A load by fio's nbd engine. */
export interface FioLoad {
  readonly client: "fio";
  readonly pattern: Pattern;
  /** Bytes of one request. */
  readonly block: number;
  /** Requests under way on each connection. */
  readonly depth: number;
  readonly connections: number;
  /** A flush after each write. */
  readonly flush?: boolean;
}

/** The whole disk copied by nbdcopy, to nowhere or from a file. */
export interface CopyLoad {
  readonly client: "nbdcopy";
  readonly direction: "read" | "write";
}

/** A load by the front end of @rehandle/vhost-user. */
export interface FrontEndLoad {
  readonly client: "front-end";
  readonly pattern: "randread" | "randwrite" | "read";
  readonly block: number;
  readonly depth: number;
}

/** A load by fio in a Linux guest that has the disk as a vhost-user-blk device. */
export interface GuestLoad {
  readonly client: "guest";
  readonly pattern: Pattern;
  readonly block: number;
  readonly depth: number;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  /** What `rate` of its figures is. */
  readonly unit: "IOPS" | "MB/s";
  readonly load: FioLoad | CopyLoad | FrontEndLoad | GuestLoad;
  /** Ids of the stages that it runs on. */
  readonly stages: readonly string[];
}

const KIB = 1024;
const nbd = ["file", "memory", "proxy"];

export const workloads: readonly Workload[] = [
  random("4k-randread-d1", "4 KiB random read, depth 1", { pattern: "randread", depth: 1 }),
  random("4k-randread-d32", "4 KiB random read, depth 32", { pattern: "randread", depth: 32 }),
  random("4k-randwrite-d32", "4 KiB random write, depth 32", { pattern: "randwrite", depth: 32 }),
  random("4k-mixed-d32", "4 KiB random, 70 % reads, depth 32", { pattern: "randrw", depth: 32 }, ["file", "proxy"]),
  sequential("128k-read-d8", "128 KiB sequential read, depth 8", "read"),
  sequential("128k-write-d8", "128 KiB sequential write, depth 8", "write"),
  copy("nbdcopy-read", "nbdcopy, whole disk to nowhere", "read"),
  copy("nbdcopy-write", "nbdcopy, a file to the whole disk", "write"),
  random("4k-flush-d1", "4 KiB random write, each flushed", { pattern: "randwrite", depth: 1, flush: true }, ["file"]),
  random("4k-randread-c1", "4 KiB random read, 1 connection, depth 8", { connections: 1 }, ["file"]),
  random("4k-randread-c8", "4 KiB random read, 8 connections, depth 8", { connections: 8 }, ["file"]),
  random("4k-randread-c64", "4 KiB random read, 64 connections, depth 8", { connections: 64 }, ["file"]),
  random("4k-randread-exports", "4 KiB random read, depth 32 on each export", { depth: 32 }, ["exports"]),
  frontEnd("4k-randread-d1", "4 KiB random read, depth 1", { pattern: "randread", depth: 1 }),
  frontEnd("4k-randread-d32", "4 KiB random read, depth 32", { pattern: "randread", depth: 32 }),
  frontEnd("4k-randwrite-d32", "4 KiB random write, depth 32", { pattern: "randwrite", depth: 32 }),
  frontEnd("128k-read-d8", "128 KiB sequential read, depth 8", { pattern: "read", block: 128 * KIB, depth: 8 }),
  guest("4k-randread-d1", "4 KiB random read, depth 1", { pattern: "randread", depth: 1 }),
  guest("4k-randread-d32", "4 KiB random read, depth 32", { pattern: "randread", depth: 32 }),
  guest("128k-read-d8", "128 KiB sequential read, depth 8", { pattern: "read", block: 128 * KIB, depth: 8 }),
];

function random(id: string, title: string, load: Partial<FioLoad>, stages: readonly string[] = nbd): Workload {
  const usual = { client: "fio", pattern: "randread", block: 4 * KIB, depth: 8, connections: 1 } as const;
  return { id, title, unit: "IOPS", load: { ...usual, ...load }, stages };
}

function sequential(id: string, title: string, pattern: "read" | "write"): Workload {
  const load = { client: "fio", pattern, block: 128 * KIB, depth: 8, connections: 1 } as const;
  return { id, title, unit: "MB/s", load, stages: nbd };
}

function copy(id: string, title: string, direction: "read" | "write"): Workload {
  return { id, title, unit: "MB/s", load: { client: "nbdcopy", direction }, stages: nbd };
}

function frontEnd(
  id: string,
  title: string,
  load: Omit<FrontEndLoad, "client" | "block"> & { block?: number },
): Workload {
  const unit = load.block === undefined ? "IOPS" : "MB/s";
  return { id, title, unit, load: { client: "front-end", block: 4 * KIB, ...load }, stages: ["vhost-user"] };
}

function guest(id: string, title: string, load: Omit<GuestLoad, "client" | "block"> & { block?: number }): Workload {
  const unit = load.block === undefined ? "IOPS" : "MB/s";
  return { id, title, unit, load: { client: "guest", block: 4 * KIB, ...load }, stages: ["guest"] };
}
