/** What happened in one slot of time. */
export interface Sample {
  /** The slot's end, ms since the act began. */
  readonly at: number;
  readonly storageUp: boolean;
  /** I/O hang holds requests. */
  readonly hang: boolean;
  /** Requests that succeeded in this slot. */
  readonly completed: number;
  /** Requests that failed in this slot. */
  readonly failed: number;
  /** Requests that I/O hang holds at the slot's end. */
  readonly held: number;
}

/** Requests per second that succeeded in the last second. */
export function recentRate(samples: readonly Sample[], slotMs: number): number {
  const recent = samples.slice(-Math.max(1, Math.round(1000 / slotMs)));
  const completed = recent.reduce((sum, sample) => sum + sample.completed, 0);
  return recent.length === 0 ? 0 : (1000 * completed) / (recent.length * slotMs);
}

/** What succeeded and what failed in all of the slots. */
export function totals(samples: readonly Sample[]): { readonly completed: number; readonly failed: number } {
  let completed = 0;
  let failed = 0;
  for (const sample of samples) {
    completed += sample.completed;
    failed += sample.failed;
  }
  return { completed, failed };
}
