import type { BlockDriver, Clock, Random } from "@rehandle/driver-sdk";
import type { Readable, Writable } from "node:stream";

/** What a daemon is run with; everything has the process's own as default. */
export interface DaemonOptions {
  /** For `--chardev stdio`. Default: the process's, as those that follow. */
  readonly stdin?: Readable;
  /** For `--help`, `--version` and `--chardev stdio`. */
  readonly stdout?: Writable;
  /** For log lines and errors. */
  readonly stderr?: Writable;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** For the jitter of waits. Default: `Math.random`. */
  readonly random?: Random;
  /** Puts something around the driver of a node that is not a `rehandle` one, before it is opened; for tests that make it fail. */
  readonly wrapDriver?: (driver: BlockDriver, nodeName: string) => BlockDriver;
}

/** {@link DaemonOptions} with the defaults filled in. */
export type DaemonSurroundings = Required<DaemonOptions>;
