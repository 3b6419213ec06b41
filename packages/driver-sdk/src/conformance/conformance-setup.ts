import type { BlockDriver, OpenContext } from "../lib/block-driver.ts";

/** One driver with storage of its own, made for one check. */
export interface ConformanceSubject {
  /** Not open yet. The suite opens and closes it. */
  driver: BlockDriver;
  /**
   * A new driver, not open yet, on the same storage; called when the one before was closed. Without it the checks of
   * durability are skipped.
   */
  reopen?(): BlockDriver | Promise<BlockDriver>;
  /** Called after the driver was closed, whatever came of the check. */
  cleanup?(): void | Promise<void>;
}

/** What the conformance suite needs to know of a driver; only `create` is required. */
export interface ConformanceSetup {
  /**
   * Makes a fresh subject for each check. The storage may have any size and content; 1 MiB or more lets every check do its
   * work, and 4 GiB and 128 KiB (sparse) includes the one for offsets over 32 bits.
   */
  create(): ConformanceSubject | Promise<ConformanceSubject>;
  /** What a read of a fresh subject must give, where that is known: for read-only storage above all. */
  expected?(offset: number, length: number): Uint8Array;
  /** Repeats a run: the random checks draw from it. A safe integer; default 1. It is in the name of the test suite. */
  seed?: number;
  /** Requests of each random workload; default 400. Make it smaller for a slow driver. */
  operations?: number;
  /** How much of the storage is written and read, from its beginning, bytes; default 1 MiB. */
  span?: number;
  /** How long one request, open or close may take, ms on the system's clock; default 10000. */
  timeout?: number;
  /** Replaces parts of what `open` is given, e.g. `{ held: true }`. */
  context?: Partial<OpenContext>;
}
