import type { BlockDriver, Clock } from "@rehandle/driver-sdk";

import type { BackendEvent } from "./events.ts";
import type { HoldPolicy } from "./policy.ts";
import type { ReplayLog } from "./replay-log.ts";

/** What an engine works with. */
export interface EngineParts {
  readonly driver: BlockDriver;
  readonly policy: HoldPolicy;
  readonly clock: Clock;
  /** Null if the backend behind the driver cannot lose acknowledged writes. */
  readonly log: ReplayLog | null;
  /** ms; 0 = never. */
  readonly requestTimeout: number;
  readonly emit: (event: BackendEvent) => void;
}
