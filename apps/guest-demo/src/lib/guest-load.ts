import type { Clock } from "@rehandle/driver-sdk";

import type { GuestAgent, GuestCommand } from "./guest-agent.ts";
import { within } from "./sleep.ts";

/** How long the load may take to end, ms: its last operation may have to wait for emulation. */
const STOP_DEADLINE = 120_000;

/** What one process of the load has come to. */
export interface LoadCounts {
  /** Operations that the guest saw completed. */
  readonly ops: number;
  /** Operations that failed. */
  readonly errors: number;
  /** Reads that gave other data than was written, or a file that is not there. */
  readonly bad: number;
  /** The longest operation, ms. */
  readonly longest: number;
}

const NOTHING: LoadCounts = { ops: 0, errors: 0, bad: 0, longest: 0 };

/** `verified-io` (guest/verified-io) that runs in a guest. */
export class GuestLoad {
  /** Lines that tell of an error or of wrong data. */
  readonly failures: string[] = [];
  readonly #clock: Clock;
  readonly #command: GuestCommand;
  readonly #counts = new Map<string, LoadCounts>();
  readonly #onProgress: () => void;

  /** `args`: those of verified-io. `onProgress` is called whenever the counts changed. */
  constructor(clock: Clock, agent: GuestAgent, args: string, onProgress: () => void = () => undefined) {
    this.#clock = clock;
    this.#onProgress = onProgress;
    this.#command = agent.spawn(`exec verified-io ${args}`);
    this.#command.output.onLine((line) => this.#take(line));
  }

  /** The names of its processes. */
  get processes(): string[] {
    return [...this.#counts.keys()];
  }

  /** The counts of the process of that name. */
  of(process: string): LoadCounts {
    return this.#counts.get(process) ?? NOTHING;
  }

  /** The counts of all processes; of `longest`, the longest. */
  get total(): LoadCounts {
    return [...this.#counts.values()].reduce(
      (sum, counts) => ({
        ops: sum.ops + counts.ops,
        errors: sum.errors + counts.errors,
        bad: sum.bad + counts.bad,
        longest: Math.max(sum.longest, counts.longest),
      }),
      NOTHING,
    );
  }

  /** Lets every process finish its operation and end. The counts are exact then. */
  async stop(): Promise<void> {
    this.#command.kill("TERM");
    await within(this.#clock, STOP_DEADLINE, this.#command.ended, "the guest's load did not end");
  }

  #take(line: string): void {
    const counts = readCounts(line);
    if (counts === undefined) this.failures.push(line);
    else this.#counts.set(counts.process, counts);
    this.#onProgress();
  }
}

/** `writer ops=12 errors=0 bad=0 longest=7`; undefined for another line. */
export function readCounts(line: string): (LoadCounts & { readonly process: string }) | undefined {
  const [, process, ...figures] = /^(\w+) ops=(\d+) errors=(\d+) bad=(\d+) longest=(\d+)$/.exec(line) ?? [];
  if (process === undefined) return undefined;
  const [ops = 0, errors = 0, bad = 0, longest = 0] = figures.map(Number);
  return { process, ops, errors, bad, longest };
}
