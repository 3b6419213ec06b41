/** Upper ends of the buckets of {@link BackendStatistics.hangTimes}, ms; the last bucket is open. */
export const HANG_TIME_BUCKETS: readonly number[] = [
  10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000, 600_000, 3_600_000,
];

/** What a backend counted since it was opened. */
export interface BackendStatistics {
  /** Requests that clients submitted. */
  readonly submitted: number;
  /** Requests that were completed to clients, with success or error. */
  readonly completed: number;
  /** Requests that were completed with an error, but for those that were cancelled because nobody needs them any more. */
  readonly failed: number;
  /** Requests that were held at least once. */
  readonly held: number;
  /** Requests that are held now: queued because of an outage or `stop`, or overdue. */
  readonly heldNow: number;
  /** Payload bytes of those. */
  readonly heldBytesNow: number;
  /** Requests that wait in the engine for any reason, overlaps and `pause` included. */
  readonly queuedNow: number;
  /** Attempts that are with the driver now. */
  readonly inFlightNow: number;
  /** Milliseconds since the oldest held request was held; 0 if none. */
  readonly oldestHeldMs: number;
  /** Attempts beyond the first. */
  readonly retries: number;
  /** Probes sent. */
  readonly probes: number;
  /** Attempts given up that may still land. */
  readonly zombiesNow: number;
  /** Outages begun. */
  readonly outages: number;
  /** Outages that reached `iohang-timeout`. */
  readonly timeouts: number;
  /** Writes in the replay log, their bytes, and how many were written again over the backend's life. */
  readonly replayLog: { readonly count: number; readonly bytes: number; readonly replayed: number };
  /** How long held requests hung: counts per bucket of {@link HANG_TIME_BUCKETS}, one more for what is longer. */
  readonly hangTimes: readonly number[];
}

/** The counters behind {@link BackendStatistics}; `completed` and `failed` are of what was admitted. */
export class Counters {
  /** Requests that were failed without being admitted. */
  refused = 0;
  completed = 0;
  failed = 0;
  held = 0;
  retries = 0;
  probes = 0;
  timeouts = 0;
  readonly hangTimes: number[] = Array.from<number>({ length: HANG_TIME_BUCKETS.length + 1 }).fill(0);

  /** A held request came to its end after `ms` milliseconds. */
  countHangTime(ms: number): void {
    let bucket = 0;
    while (bucket < HANG_TIME_BUCKETS.length && ms > HANG_TIME_BUCKETS[bucket]!) bucket += 1;
    this.hangTimes[bucket]! += 1;
  }
}
