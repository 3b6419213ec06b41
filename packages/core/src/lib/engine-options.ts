import type { BackoffOptions } from "./backoff.ts";
import type { PolicyOptions } from "./policy.ts";
import type { RampOptions } from "./recovery-cycle.ts";
import type { ReplayLogOptions } from "./replay-log.ts";

/** Everything that a backend can be told. */
export interface BlockBackendOptions extends PolicyOptions {
  /** Waits between probes. Default 100 ms to 5 s, doubling, with jitter. `RFC_BACKOFF` is the RFC's fixed 5 s. */
  backoff?: BackoffOptions;
  /** How held requests are let go. Default: one, then two, four and so on while they succeed, at most 1024. */
  ramp?: RampOptions;
  /**
   * Milliseconds after which a silent attempt counts as failed with class `timeout`; noticed at most a quarter late.
   * 0 = never. Default 0. It must be longer than the storage ever takes when it is well.
   */
  requestTimeout?: number;
  /** Queued requests beyond which `congested` is set. Default 16384. */
  maxHeldRequests?: number;
  /** Payload bytes of queued requests beyond which `congested` is set. Default 256 MiB. */
  maxHeldBytes?: number;
  /**
   * Bounds of the log of acknowledged writes that no flush covers yet. It is kept only for drivers whose backend can restart
   * (capability `instance` is not `fixed`) and that have something to flush. `false`: none is kept, and a restarted backend
   * may have lost acknowledged writes.
   */
  replayLog?: ReplayLogOptions | false;
  /** Where the probe reads. Default: the first block. `length` is rounded to what the storage allows. */
  probe?: { offset?: number; length?: number };
}
