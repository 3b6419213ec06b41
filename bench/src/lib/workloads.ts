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
  readonly pattern: Pattern;
  readonly block: number;
  readonly depth: number;
  /** A flush after each write. */
  readonly flush?: boolean;
}

/** A load by fio in a Linux guest that has the disk as a vhost-user-blk device. */
export interface GuestLoad {
  readonly client: "guest";
  readonly pattern: Pattern;
  readonly block: number;
  readonly depth: number;
  /** Nothing is flushed. */
  readonly flush?: false;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  /** What `rate` of its figures is. */
  readonly unit: "IOPS" | "MB/s";
  readonly load: FioLoad | CopyLoad | FrontEndLoad | GuestLoad;
  /** Ids of the stages that it runs on. */
  readonly stages: readonly string[];
  /** No target is set for it, so fewer rounds will do. */
  readonly minor?: boolean;
}

/** Whether a load leaves changed pages of the part that loads use behind. */
export function leavesDirty({ load }: Workload): boolean {
  if (load.client === "nbdcopy") return false;
  return load.flush !== true && (load.pattern === "randwrite" || load.pattern === "randrw" || load.pattern === "write");
}

const KIB = 1024;
const nbd = ["file", "memory", "proxy"];
const withHang = ["hang-file", "hang-memory", "hang-proxy"];
const stored = ["file", "proxy"];

const random4k = {
  d1: "4 KiB random read, depth 1",
  d32: "4 KiB random read, depth 32",
  write: "4 KiB random write, depth 32",
  mixed: "4 KiB random, 70 % reads, depth 32",
  flush: "4 KiB random write, each flushed",
};
const large = { read: "128 KiB sequential read, depth 8", write: "128 KiB sequential write, depth 8" };

export const workloads: readonly Workload[] = [
  fio("4k-randread-d1", random4k.d1, { depth: 1 }, stored),
  fio("4k-randread-d32", random4k.d32, { depth: 32 }, [...nbd, ...withHang]),
  fio("4k-randwrite-d32", random4k.write, { pattern: "randwrite", depth: 32 }, [...nbd, ...withHang]),
  minor(fio("4k-mixed-d32", random4k.mixed, { pattern: "randrw", depth: 32 }, stored)),
  fio("128k-read-d8", large.read, { pattern: "read", block: 128 * KIB }, nbd),
  minor(fio("128k-write-d8", large.write, { pattern: "write", block: 128 * KIB }, stored)),
  copy("nbdcopy-read", "nbdcopy, whole disk to nowhere", "read", nbd),
  minor(copy("nbdcopy-write", "nbdcopy, a file to the whole disk", "write", stored)),
  minor(fio("4k-flush-d1", random4k.flush, { pattern: "randwrite", depth: 1, flush: true }, stored)),
  minor(fio("4k-randread-c1", "4 KiB random read, 1 connection, depth 8", { connections: 1 }, ["file"])),
  minor(fio("4k-randread-c8", "4 KiB random read, 8 connections, depth 8", { connections: 8 }, ["file"])),
  minor(fio("4k-randread-c64", "4 KiB random read, 64 connections, depth 8", { connections: 64 }, stored)),
  fio("4k-randread-exports", "4 KiB random read, depth 32 on each export", { depth: 32 }, ["exports"]),
  frontEnd("4k-randread-d1", random4k.d1, { depth: 1 }),
  frontEnd("4k-randread-d32", random4k.d32, { depth: 32 }, ["vhost-user", "hang-vhost-user"]),
  frontEnd("4k-randwrite-d32", random4k.write, { pattern: "randwrite", depth: 32 }, ["vhost-user", "hang-vhost-user"]),
  minor(frontEnd("4k-mixed-d32", random4k.mixed, { pattern: "randrw", depth: 32 })),
  frontEnd("128k-read-d8", large.read, { pattern: "read", block: 128 * KIB, depth: 8 }),
  minor(frontEnd("128k-write-d8", large.write, { pattern: "write", block: 128 * KIB, depth: 8 })),
  minor(frontEnd("4k-flush-d1", random4k.flush, { pattern: "randwrite", depth: 1, flush: true })),
  guest("4k-randread-d1", random4k.d1, { depth: 1 }),
  guest("4k-randread-d32", random4k.d32, { depth: 32 }),
  guest("128k-read-d8", large.read, { pattern: "read", block: 128 * KIB, depth: 8 }),
];

function fio(id: string, title: string, load: Partial<FioLoad>, stages: readonly string[]): Workload {
  const usual = { client: "fio", pattern: "randread", block: 4 * KIB, depth: 8, connections: 1 } as const;
  return { id, title, unit: unitOf(load), load: { ...usual, ...load }, stages };
}

function frontEnd(id: string, title: string, load: Partial<FrontEndLoad>, stages = ["vhost-user"]): Workload {
  const usual = { client: "front-end", pattern: "randread", block: 4 * KIB, depth: 1 } as const;
  return { id, title, unit: unitOf(load), load: { ...usual, ...load }, stages };
}

function guest(id: string, title: string, load: Partial<GuestLoad>): Workload {
  const usual = { client: "guest", pattern: "randread", block: 4 * KIB, depth: 1 } as const;
  return { id, title, unit: unitOf(load), load: { ...usual, ...load }, stages: ["guest"] };
}

function copy(id: string, title: string, direction: "read" | "write", stages: readonly string[]): Workload {
  return { id, title, unit: "MB/s", load: { client: "nbdcopy", direction }, stages };
}

/** Large requests are counted by their bytes. */
function unitOf({ block = 0 }: { block?: number }): Workload["unit"] {
  return block > 4 * KIB ? "MB/s" : "IOPS";
}

function minor(workload: Workload): Workload {
  return { ...workload, minor: true };
}
