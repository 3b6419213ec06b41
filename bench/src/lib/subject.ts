/** Where a server finds its storage and puts its socket. */
export interface Place {
  /** The unix socket that it is to listen at. */
  readonly socket: string;
  /** The disk, a raw file. */
  readonly disk: string;
  /** Size of the disk, bytes. */
  readonly size: number;
  /** Unix socket of an NBD server that has the disk; for proxies. */
  readonly upstream: string;
  /** A folder with nothing in it but small disks, for servers of many exports. */
  readonly folder: string;
  /** The files in it, which are also the names of the exports. */
  readonly names: readonly string[];
  /** The Node that runs ours. */
  readonly node: string;
  /** Our daemon's program, a JavaScript file. */
  readonly daemon: string;
}

/** A server that is measured: ours, or a peer. */
export interface Subject {
  /** In JSON, in targets and on the command line. */
  readonly id: string;
  readonly title: string;
  /** The program and its arguments; it stays in the foreground. */
  readonly command: (place: Place) => readonly string[];
  /** The exports that clients use at the same time; the disk if undefined. */
  readonly exports?: (place: Place) => readonly string[];
}

/** A stage is one arrangement of storage and servers on which workloads run. */
export interface Stage {
  readonly id: string;
  readonly title: string;
  /** The first is ours with I/O hang on; the others are what it is compared with. */
  readonly subjects: readonly Subject[];
  /** Whether the disk has to be copied to the server first. */
  readonly fill?: boolean;
  /** Whether the servers need an NBD upstream. */
  readonly upstream?: boolean;
  /** How many turns each server has in a round, each half as long; 1 if undefined, which is as long as it was asked for. */
  readonly turns?: number;
}

/** Name of the export with the disk. */
export const DISK = "disk";
