import type { BlockRequest } from "@rehandle/driver-sdk";

/** RFC patch 4: a drain was asked for; everything is at rest until the section ends. */
export type DrainState = "normal" | "drain-requested" | "drained";

/** What may follow what. */
const NEXT_STATES: Readonly<Record<DrainState, readonly DrainState[]>> = {
  normal: ["drain-requested"],
  "drain-requested": ["drained"],
  drained: ["normal"],
};

/** How to drain. */
export interface DrainOptions {
  /**
   * What becomes of held requests. `wait`: they go on being tried until they succeed or the deadline is over, and stay held
   * then. `fail`: they fail at once with their error (EIO), and so does what fails meanwhile. `export`: they, and what
   * fails meanwhile, leave the backend without completing and are handed to the caller. Default `wait`.
   */
  held?: "wait" | "fail" | "export";
  /** Milliseconds until the drain returns whatever the storage does. Default 30000. Range 0 … 2^31-1. */
  deadline?: number;
}

/** A held request that left the backend; whoever has it owes the client its completion. */
export interface ExportedRequest {
  /** The client's own request object, with its buffers; call its `complete` exactly once. */
  readonly request: BlockRequest;
  /** How many times it was tried. */
  readonly attempts: number;
  /** An attempt that was given up may still land on the storage. */
  readonly mayLand: boolean;
}

/** What a drain came to. */
export interface DrainResult {
  /** Nothing is with the driver, nor may an attempt that was given up still land, and nothing will be until `drainEnd`. */
  readonly quiescent: boolean;
  /** Requests that failed because of the drain. */
  readonly failed: number;
  /** Requests that stay held. */
  readonly held: number;
  /** Attempts that the driver would not let go of within the deadline. */
  readonly inFlight: number;
  /** Oldest first. */
  readonly exported: readonly ExportedRequest[];
}

/** The state of draining, and its one setter. */
export class Drain {
  #state: DrainState = "normal";
  mode: NonNullable<DrainOptions["held"]> = "wait";
  /** Requests up to this number belong to the drain; later ones wait until it is over. */
  lastSeq = 0;
  failed = 0;
  exported: ExportedRequest[] = [];

  get state(): DrainState {
    return this.#state;
  }

  moveTo(state: DrainState): void {
    if (!NEXT_STATES[this.#state].includes(state)) throw new Error(`drain cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  /** While it lasts, failures are reported instead of held. */
  get reportsFailures(): boolean {
    return this.#state === "drain-requested" && this.mode === "fail";
  }
}
