import type { BlockDriver } from "../lib/block-driver.ts";
import type { CrashOptions, DisconnectOptions, FaultAction } from "./fault-action.ts";
import type { FaultRule, FaultRuleHandle } from "./fault-rule.ts";

/** A driver that fails as it is told: by rules and a script from the start, or by these methods as it goes. */
export interface FaultDriver extends BlockDriver {
  /** False from a disconnect or a crash until the next connect. */
  readonly connected: boolean;
  /** Grows with every loss of the connection; 1 after open. */
  readonly generation: number;
  /** Names the instance of the storage; another one after a crash. */
  readonly instance: string;
  /** Requests that were submitted and not completed. */
  readonly inFlight: number;
  /** Adds a rule behind those that exist. */
  addRule(rule: FaultRule): FaultRuleHandle;
  /** Loses the way to the storage. Nothing happens if it is lost already, or the driver is not open. */
  disconnect(options?: DisconnectOptions): void;
  /**
   * Brings the way back. After a crash of an inner driver that does not complete at once, it is back when the crash has been
   * carried out.
   */
  connect(options?: { readonly newInstance?: boolean }): void;
  /** Kills the storage. `connect` brings it up again. */
  crash(options?: CrashOptions): void;
  /** Nothing is answered any more, and nothing lands. */
  freeze(): void;
  /** Ends a `freeze`. */
  thaw(): void;
  /** Answers what rules stalled, and lets zombies land. */
  release(): void;
  /** Sends `refused`, while disconnected; default code `ENODEV`. */
  refuse(code?: string): void;
  /** Any of these by its name, as a script does. */
  perform(action: FaultAction): void;
}
