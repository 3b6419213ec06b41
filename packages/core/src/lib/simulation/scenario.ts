import type { DriverCapabilities, Random } from "@rehandle/driver-sdk";

import type { BlockBackendOptions } from "../engine-options.ts";

/** Something that goes wrong for a while. */
export type Trouble =
  /**
   * The way is lost; with `crash` the storage restarts, and may lose what was not flushed. Only where the driver reports
   * connections: nobody else could know of a restart that no request was there to see.
   */
  | { readonly kind: "disconnect"; readonly at: number; readonly duration: number; readonly crash: boolean }
  /** A share of the requests fails with this code; a failed write may have landed in part. */
  | {
      readonly kind: "errors";
      readonly at: number;
      readonly duration: number;
      readonly code: string;
      readonly share: number;
    }
  /** Nothing is answered; what was asked meanwhile is worked off, in any order, when it is over. */
  | { readonly kind: "silence"; readonly at: number; readonly duration: number }
  /** A few cells fail with EIO, and nothing else does. */
  | {
      readonly kind: "bad-cells";
      readonly at: number;
      readonly duration: number;
      readonly cell: number;
      readonly count: number;
    };

/** What somebody does to the backend meanwhile. */
export type Verb =
  | "pause"
  | "resume"
  | "retry-now"
  | "drain-wait"
  | "drain-fail"
  | "drain-export"
  | "disable"
  | "cancel";

/** One simulated life of a backend, in full. */
export interface Scenario {
  readonly capabilities: Pick<DriverCapabilities, "reportsConnection" | "instance" | "flush" | "fua" | "abandon">;
  /** `abandon` takes the buffers back. */
  readonly detaches: boolean;
  /** Answers come from within `submit`. */
  readonly synchronous: boolean;
  readonly backend: BlockBackendOptions;
  /** How many requests the client has under way at once, and how many it makes. */
  readonly depth: number;
  readonly requests: number;
  /** The longest that the client thinks between a completion and its next request, ms. */
  readonly thinkTime: number;
  readonly troubles: readonly Trouble[];
  readonly verbs: readonly { readonly at: number; readonly verb: Verb }[];
}

/** Cells of the simulated disk; a cell is a byte. Few, so that requests overlap often. */
export const CELLS = 48;
/** All troubles begin within this many ms. */
const TROUBLE_SPAN = 4_000;

/** The scenario that a seed stands for. */
export function createScenario(random: Random): Scenario {
  const reportsConnection = random() < 0.5;
  const abandon = random() < 0.6;
  const troubles = Array.from({ length: pick(random, 0, 4) }, () => createTrouble(random, reportsConnection));
  const silence = troubles.some((trouble) => trouble.kind === "silence");
  return {
    capabilities: {
      reportsConnection,
      instance: choose(random, ["fixed", "reported", "unknown"]),
      flush: true,
      fua: random() < 0.7,
      abandon,
    },
    detaches: abandon && random() < 0.8,
    synchronous: random() < 0.2,
    backend: createPolicy(random, silence),
    depth: pick(random, 1, 12),
    requests: pick(random, 10, 60),
    thinkTime: choose(random, [0, 50, 500, 1_000]),
    troubles,
    verbs:
      random() < 0.3
        ? Array.from({ length: pick(random, 1, 3) }, () => ({
            at: pick(random, 0, TROUBLE_SPAN),
            verb: choose(random, VERBS),
          }))
        : [],
  };
}

const VERBS: readonly Verb[] = [
  "pause",
  "resume",
  "retry-now",
  "drain-wait",
  "drain-fail",
  "drain-export",
  "disable",
  "cancel",
];

function createTrouble(random: Random, mayCrash: boolean): Trouble {
  const at = pick(random, 0, TROUBLE_SPAN);
  const duration = pick(random, 1, 6_000);
  switch (pick(random, 0, 3)) {
    case 0:
      return { kind: "disconnect", at, duration, crash: mayCrash && random() < 0.5 };
    case 1:
      return {
        kind: "errors",
        at,
        duration,
        code: choose(random, ["EIO", "EIO", "ENOSPC", "ECONNRESET"]),
        share: random(),
      };
    case 2:
      return { kind: "silence", at, duration };
    default:
      return { kind: "bad-cells", at, duration, cell: pick(random, 0, CELLS - 1), count: pick(random, 1, 6) };
  }
}

function createPolicy(random: Random, silence: boolean): BlockBackendOptions {
  const timed = random() < 0.3;
  return {
    iohangTimeout: timed ? pick(random, 1, 5) : random() < 0.1 ? 0 : "forever",
    requestTimeout: silence || random() < 0.3 ? pick(random, 100, 500) : 0,
    backoff: { initialMs: pick(random, 1, 200), maxMs: pick(random, 200, 2_000) },
    ramp: { initial: pick(random, 1, 4), max: pick(random, 4, 64) },
    replayLog: { maxBytes: pick(random, 16, 4_000), maxCount: pick(random, 4, 200) },
    ...(random() < 0.2 && {
      write: {
        retryInterval: pick(random, 10, 500),
        // Longer than the storage takes to answer: nobody could recover within less.
        retryTimeout: random() < 0.2 ? 0 : pick(random, 300, 3_000),
        action: choose(random, ["report", "stop", "enospc"] as const),
      },
    }),
  };
}

/** A whole number from `least` to `most`. */
export function pick(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of the things. */
export function choose<T>(random: Random, things: readonly T[]): T {
  return things[pick(random, 0, things.length - 1)]!;
}
