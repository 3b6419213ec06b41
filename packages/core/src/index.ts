export { RFC_BACKOFF, type BackoffOptions } from "./lib/backoff.ts";
export { createBlockBackend, type BlockBackend } from "./lib/block-backend.ts";
export type { DrainOptions, DrainResult, DrainState, ExportedRequest } from "./lib/drain.ts";
export type { BlockBackendOptions } from "./lib/engine-options.ts";
export type { BackendEvent } from "./lib/events.ts";
export type { HangState, Outage } from "./lib/hang-status.ts";
export type { HeldRequest } from "./lib/held-request.ts";
export {
  DEFAULT_HOLD_RULES,
  directionOf,
  HoldPolicy,
  type Direction,
  type DirectionPolicy,
  type ErrorAction,
  type HoldRule,
  type Limit,
  type PolicyOptions,
  type ResolvedDirection,
} from "./lib/policy.ts";
export type { RampOptions } from "./lib/recovery-cycle.ts";
export type { ReplayLogOptions } from "./lib/replay-log.ts";
export { HANG_TIME_BUCKETS, type BackendStatistics } from "./lib/statistics.ts";
export type { TimelineItem } from "./lib/timeline.ts";
