import type { Clock, Random } from "@rehandle/driver-sdk";
import type { Readable, Writable } from "node:stream";

/** What a daemon is run with; everything has the process's own as default. */
export interface DaemonOptions {
  /** For `--chardev stdio`. */
  readonly stdin?: Readable;
  /** For `--help`, `--version` and `--chardev stdio`. */
  readonly stdout?: Writable;
  /** For log lines and errors. */
  readonly stderr?: Writable;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** {@link DaemonOptions} with the defaults filled in. */
export type DaemonSurroundings = Required<DaemonOptions>;
