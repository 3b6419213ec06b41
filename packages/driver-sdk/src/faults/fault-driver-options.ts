import type { BlockRequest } from "../lib/block-request.ts";
import type { DriverCapabilities } from "../lib/capabilities.ts";
import type { Random } from "../lib/random.ts";
import type { FaultAction, FaultStep } from "./fault-action.ts";
import type { Delay, FaultRule } from "./fault-rule.ts";

/** Options of `createFaultDriver`. With none of them the driver does what the inner one does. */
export interface FaultDriverOptions {
  /** What happens to which requests. The first rule that applies decides; latency adds up. */
  readonly rules?: readonly FaultRule[];
  /** What happens when, on the clock that `open` is given. */
  readonly script?: readonly FaultStep[];
  /** How long every request takes, ms. Default 0: a request is passed on from within `submit`. */
  readonly latency?: Delay;
  /** Where every draw comes from. Default: the `random` that `open` is given. */
  readonly random?: Random;
  /**
   * Completed writes may be lost by a crash until a flush covers them. Costs a read of the old data for each change. A number
   * says how many bytes the cache holds (old and new data together, default 64 MiB) before it makes the oldest stable.
   */
  readonly volatileCache?: boolean | number;
  /** Declared; false: no connection events, and a lost connection looks like `EIO`. Default true. */
  readonly reportsConnection?: boolean;
  /** Declared. Default: without a volatile cache as the inner driver says; with one `reported`, or `unknown` if connections are not. */
  readonly instance?: DriverCapabilities["instance"];
  /**
   * What `abandon` does with a request that has not reached the inner driver. `detach`: takes a copy of the payload and lets
   * the request go its way, so that it may land later; `cancel`: completes it with `ECANCELED`, soon; `refuse`: returns false,
   * and `abandon` is not declared. Default `detach`. A request that has reached the inner driver is the inner driver's affair.
   */
  readonly abandon?: "detach" | "cancel" | "refuse";
  /** Done soon after a request was abandoned, e.g. `{ type: "disconnect", fates: ["zombie"] }` for a driver that drops its connection. */
  readonly abandonAction?: FaultAction;
  /** Hears `reconnectNow`. */
  readonly onReconnectNow?: () => void;
  /** Sees every request that passed the checks, before anything happens to it. */
  readonly onRequest?: (request: BlockRequest) => void;
}
