import type { BlockErrorClass, BlockErrorCode } from "../lib/block-error.ts";
import type { BlockOperation } from "../lib/block-request.ts";
import type { Delay } from "./fault-rule.ts";

/**
 * What becomes of a change or a flush that is in flight when the connection is lost. In every case it completes with the
 * loss, so the submitter cannot tell.
 *
 * `lost`: it never lands. `landed`: it lands. `torn`: a prefix of it lands. `zombie`: it lands later, perhaps after the next
 * `connected`, and completes only then.
 */
export type InFlightFate = "lost" | "landed" | "torn" | "zombie";

/** Options of `FaultDriver.disconnect`. */
export interface DisconnectOptions {
  /** One is drawn for each change and flush in flight. Default `["lost", "landed"]`. Reads just fail. */
  readonly fates?: readonly InFlightFate[];
  /** How long a zombie takes to land, ms. Default: until `release`. */
  readonly zombieDelay?: Delay;
  /** What requests fail with. Default `ECONNRESET`, or `EIO` if the driver does not report its connection. */
  readonly code?: BlockErrorCode;
  /** Default: that of the code. */
  readonly errorClass?: BlockErrorClass;
}

/** A completed change that no flush has covered yet. */
export interface CachedWrite {
  readonly operation: BlockOperation;
  /** Bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** Options of `FaultDriver.crash`. */
export interface CrashOptions extends DisconnectOptions {
  /**
   * Which of the changes that no flush covered survive: none, all, each with an even chance, or as the function says. FUA
   * changes always do. Survivors keep their order. Default `none`. Without `volatileCache` everything survives.
   */
  readonly survive?: "none" | "all" | "random" | ((write: CachedWrite) => boolean);
}

/** Something that happens to a `FaultDriver` at one moment: each is also a method of the driver. */
export type FaultAction =
  /** The way to the storage is lost. */
  | ({ readonly type: "disconnect" } & DisconnectOptions)
  /** It is back; `newInstance` says that the storage restarted meanwhile (after a crash it always did). */
  | { readonly type: "connect"; readonly newInstance?: boolean }
  /** The storage dies: the way to it is lost, and what was not stable may be lost too. */
  | ({ readonly type: "crash" } & CrashOptions)
  /** Nothing is answered, and nothing lands, until `thaw`: a stopped process, a silent network. */
  | { readonly type: "freeze" }
  | { readonly type: "thaw" }
  /** Answers what rules have stalled, and lets zombies land. */
  | { readonly type: "release" }
  /** While disconnected: storage answers, but must not be used. */
  | { readonly type: "refuse"; readonly code?: BlockErrorCode };

/** An action and when it is done. */
export interface FaultStep {
  /** Milliseconds after `open`. */
  readonly at: number;
  readonly action: FaultAction;
}
