import type { BlockErrorClass, BlockErrorCode } from "../lib/block-error.ts";
import type { BlockOperation } from "../lib/block-request.ts";
import type { CrashOptions, DisconnectOptions } from "./fault-action.ts";

/** Milliseconds on the injected clock: always the same, or drawn evenly from a range. */
export type Delay = number | readonly [from: number, to: number];

/** What happens to a request that a {@link FaultRule} applies to. */
export type FaultEffect =
  /** It fails, and nothing lands. Default class: that of the code. */
  | { readonly type: "error"; readonly code: BlockErrorCode; readonly errorClass?: BlockErrorClass }
  /** It takes longer. Delays of several rules add up, and further rules are still looked at. */
  | { readonly type: "latency"; readonly ms: Delay }
  /** It is not answered until `FaultDriver.release`, or the connection is lost, or the driver is closed. */
  | { readonly type: "stall" }
  /**
   * Only the first `bytes` of a change land (cut to the alignment; default: drawn), then it fails with `code` (default
   * `EIO`). Anything else just fails.
   */
  | {
      readonly type: "torn";
      readonly bytes?: number;
      readonly code?: BlockErrorCode;
      readonly errorClass?: BlockErrorClass;
    }
  /** A change or a flush is acknowledged and does not happen. Other operations are not affected. */
  | { readonly type: "lost" }
  /** The connection is lost, with this request in flight. */
  | ({ readonly type: "disconnect" } & DisconnectOptions)
  /** The storage crashes, with this request in flight. */
  | ({ readonly type: "crash" } & CrashOptions);

/** One fault and the requests that it applies to; every condition that is given must hold. */
export interface FaultRule {
  /** Default: all. */
  readonly operations?: readonly BlockOperation[];
  /** Requests that touch these bytes. A flush, or a request of no length, touches none. */
  readonly range?: { readonly offset: number; readonly length: number };
  /** From so many ms after `open` on. Default 0. */
  readonly from?: number;
  /** Until so many ms after `open`, which is no longer included. Default: for ever. */
  readonly until?: number;
  /** How likely it is, 0 … 1, drawn for each request that fits so far. Default 1. */
  readonly probability?: number;
  /** So many of the requests that fit are let through first: `skip: 2, count: 1` is the third. Default 0. */
  readonly skip?: number;
  /** It applies so many times. Default: without end. */
  readonly count?: number;
  readonly effect: FaultEffect;
}

/** A rule that was added to a driver. */
export interface FaultRuleHandle {
  /** How many requests it applied to. */
  readonly hits: number;
  /** Takes the rule back. What it did already stays as it is. */
  remove(): void;
}
