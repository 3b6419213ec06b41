import type { BlockOperation } from "@rehandle/driver-sdk";

import type { Engine } from "./engine.ts";
import { timelineOf } from "./hold-ledger.ts";
import type { RequestEntry } from "./request-entry.ts";
import type { TimelineItem } from "./timeline.ts";

/** A held request, for people and monitors. */
export interface HeldRequest {
  /** Order of admission; `failHeld` takes it. */
  readonly id: number;
  readonly operation: BlockOperation;
  readonly offset: number;
  readonly length: number;
  readonly attempts: number;
  /** How long it has been held, ms; 0 if it is only overdue. */
  readonly heldMs: number;
  /** Earlier overlapping requests that it waits for. */
  readonly blockers: number;
  /** What went wrong last, and which row of the policy held it; absent if it was never tried. */
  readonly lastError?: {
    readonly code: string;
    readonly errorClass: string;
    readonly message: string;
    readonly rule: string;
  };
  readonly timeline: readonly TimelineItem[];
}

/** The engine's held requests, oldest first. */
export function describeHeld(engine: Engine, limit: number): HeldRequest[] {
  const held: RequestEntry[] = [...engine.late.overdue];
  for (let entry = engine.queue.head; entry !== null && held.length < limit; entry = entry.next) {
    if (entry.heldSince >= 0) held.push(entry);
  }
  return held
    .toSorted((a, b) => a.seq - b.seq)
    .slice(0, limit)
    .map((entry) => describe(engine, entry));
}

function describe(engine: Engine, entry: RequestEntry): HeldRequest {
  const { operation, offset, length } = entry.request!;
  const error = entry.lastError;
  const basis = {
    id: entry.seq,
    operation,
    offset,
    length,
    attempts: entry.attempts,
    heldMs: entry.heldSince < 0 ? 0 : engine.clock.now() - entry.heldSince,
    blockers: entry.blockers,
    timeline: [...timelineOf(entry)],
  };
  if (error === null) return basis;
  const rule = engine.policy.ruleFor(error, entry.direction)?.reason ?? "no row fits";
  return { ...basis, lastError: { code: error.code, errorClass: error.errorClass, message: error.message, rule } };
}
