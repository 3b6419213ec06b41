import type { BlockError } from "@rehandle/driver-sdk";

import type { RequestEntry } from "./request-entry.ts";

/** What the data path tells the part that looks after recovery, and asks of it. */
export interface Supervision {
  /** Requests of this direction go straight to the driver. */
  passes(entry: RequestEntry): boolean;
  /** The way to the storage is back, and the log and the backlog are on their way. */
  readonly isRecovering: boolean;
  /** Nothing is known against the way to the storage. */
  readonly isUp: boolean;
  /** A flush can make room in the log. Where the storage is away none can: who waits for one is held by the outage. */
  readonly mayMakeRoom: boolean;
  /** `stale`: the error belongs to a connection that is gone. */
  onHeld(error: BlockError, stale: boolean): void;
  onAppended(entry: RequestEntry): void;
  onRemoved(entry: RequestEntry): void;
  onUnblocked(entry: RequestEntry): void;
  onSuccess(cycle: number): void;
  onFailure(cycle: number): void;
  onLateAnswer(): void;
  /** Something came back from the driver, or came to its end. */
  onSettled(): void;
  onLogGrown(): void;
  onStopped(): void;
}
