import type { BlockDriver } from "../lib/block-driver.ts";
import type { FaultDriver } from "./fault-driver.ts";
import type { FaultDriverOptions } from "./fault-driver-options.ts";
import { FaultInjector } from "./fault-injector.ts";

/**
 * Wraps a driver and makes it fail on a script or from a seed. Without a fault it is as correct as the inner driver, and it
 * keeps to the contract with every fault; only a `lost` write makes it a liar. The same seed, clock and calls always give the
 * same run.
 *
 * ```ts no-run
 * const disk = createFaultDriver(createMemoryDriver({ size: 1024 * 1024 }), {
 *   rules: [{ operations: ["write"], skip: 2, count: 1, effect: { type: "error", code: "EIO" } }],
 *   script: [
 *     { at: 1000, action: { type: "disconnect" } },
 *     { at: 6000, action: { type: "connect" } },
 *   ],
 * });
 * ```
 */
export function createFaultDriver(inner: BlockDriver, options: FaultDriverOptions = {}): FaultDriver {
  return new FaultInjector(inner, options);
}
