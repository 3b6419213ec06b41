export { createFaultDriver } from "./create-fault-driver.ts";
export type {
  CachedWrite,
  CrashOptions,
  DisconnectOptions,
  FaultAction,
  FaultStep,
  InFlightFate,
} from "./fault-action.ts";
export { createFaultPlan, type FaultEpisode, type FaultPlan, type FaultPlanOptions } from "./fault-plan.ts";
export type { FaultDriver } from "./fault-driver.ts";
export type { FaultDriverOptions } from "./fault-driver-options.ts";
export type { Delay, FaultEffect, FaultRule, FaultRuleHandle } from "./fault-rule.ts";
