import type { Random } from "@rehandle/driver-sdk";

/** How often to try while a server is away. */
export interface BackoffOptions {
  /** Milliseconds before the second try; the first comes at once. Doubled with every further one. Default 100. */
  readonly initialMs?: number;
  /** The longest wait, milliseconds, ≥ initialMs. Default 5000. */
  readonly maxMs?: number;
  /**
   * The longest wait, milliseconds, while the kernel at the other end refuses at once (nobody listens there now): such a
   * try costs next to nothing, and the server may be back the next moment. Default 20 for a unix socket, 100 for TCP.
   */
  readonly refusedMaxMs?: number;
  /** Every wait is shortened by a random share of up to this much, 0 … 1. Default 0.2. */
  readonly jitter?: number;
}

/** Says how long to wait before each try. */
export interface Backoff {
  /** Milliseconds to wait after a try that failed; `refused` if it was refused at once. */
  afterFailure(refused: boolean): number;
  /** Starts over. */
  reset(): void;
}

const REFUSED_CODES: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOENT", "EAGAIN", "ECONNRESET", "EPIPE"]);

/** True if a failed try with this errno name was the kernel at the other end saying that nobody listens. */
export function wasRefused(code: string): boolean {
  return REFUSED_CODES.has(code);
}

/** @throws RangeError naming the option. */
export function createBackoff(options: BackoffOptions, random: Random): Backoff {
  const { initialMs = 100, maxMs = 5000, refusedMaxMs = 100, jitter = 0.2 } = options;
  if (!(initialMs > 0)) throw new RangeError(`reconnectBackoff.initialMs must be > 0, not ${initialMs}`);
  if (!(maxMs >= initialMs)) throw new RangeError(`reconnectBackoff.maxMs must be >= initialMs, not ${maxMs}`);
  if (!(refusedMaxMs > 0)) throw new RangeError(`reconnectBackoff.refusedMaxMs must be > 0, not ${refusedMaxMs}`);
  if (!(jitter >= 0 && jitter <= 1)) throw new RangeError(`reconnectBackoff.jitter must be from 0 to 1, not ${jitter}`);
  let next = initialMs;
  return {
    afterFailure(refused) {
      const wait = refused ? Math.min(next, refusedMaxMs) : next;
      // Being refused is cheap for both sides: it does not count as a reason to become slower.
      if (!refused) next = Math.min(next * 2, maxMs);
      return wait * (1 - jitter * random());
    },
    reset() {
      next = initialMs;
    },
  };
}
