import type { BlockError, BlockErrorClass, BlockErrorCode, BlockOperation } from "@rehandle/driver-sdk";

/** The two directions that a policy tells apart, as QEMU's rerror and werror do. Everything but read and block-status writes. */
export type Direction = "read" | "write";

/**
 * What happens to a request that fails for good: QEMU's `BlockdevOnError`, without `auto`.
 * `report`: the client gets the error. `ignore`: the client gets success (a failed read gives zeroes). `stop`: everything is
 * held until `resume`. `enospc` (write only): `stop` when the storage is full, else `report`.
 */
export type ErrorAction = "report" | "ignore" | "stop" | "enospc";

/** A span of time, or the word for no end. */
export type Limit = number | "forever";

/** One row of the table that says which failures are held. The first row that fits counts. */
export interface HoldRule {
  /** Fits errors of this class; absent: of any. */
  readonly errorClass?: BlockErrorClass;
  /** Fits errors with this code; absent: with any. */
  readonly code?: BlockErrorCode;
  /** Fits this direction; absent: both. */
  readonly direction?: Direction;
  /** Hold the request and send it again, or go on to the direction's action at once. */
  readonly hold: boolean;
  /** For people who ask why. */
  readonly reason: string;
}

/** Which failures are held by default: lost ways, silence, and EIO; nothing that sending again cannot cure. */
export const DEFAULT_HOLD_RULES: readonly HoldRule[] = [
  { errorClass: "transport", hold: true, reason: "the way to the storage is lost; it may come back" },
  { errorClass: "timeout", hold: true, reason: "the storage is silent; it may answer again" },
  { errorClass: "storage", code: "EIO", hold: true, reason: "the storage answered EIO; it may recover" },
  { hold: false, reason: "sending the same request again would fail again" },
];

/** What one direction does. */
export interface DirectionPolicy {
  /** Milliseconds between two attempts of a held request. Default: the backend's `backoff`. Range 1 … 2^31-1. */
  retryInterval?: number;
  /**
   * How long one request is held, counted from its first failure: milliseconds, 0 (not held) or `forever`.
   * It should be a good deal longer than the storage takes to answer, or nothing can recover within it.
   * Default: `forever` if I/O hang is on (`iohangTimeout` is not 0), else 0.
   */
  retryTimeout?: Limit;
  /** What happens to a failure that is not held, or no longer. Default `report`. */
  action?: ErrorAction;
}

/** The part of the options that decides about failures. */
export interface PolicyOptions {
  /** Seconds of one outage until held requests fail (RFC patch 3), 0 = I/O hang off, or `forever`. Default `forever`. */
  iohangTimeout?: Limit;
  /** Default {@link DEFAULT_HOLD_RULES}. */
  holdRules?: readonly HoldRule[];
  /** How reads and block-status requests are tried again, and what one that fails for good does. */
  read?: DirectionPolicy;
  /** The same for everything else. */
  write?: DirectionPolicy;
}

/** The direction that an operation belongs to; a flush is a write, as in QEMU. */
export function directionOf(operation: BlockOperation): Direction {
  return operation === "read" || operation === "block-status" ? "read" : "write";
}

/** A {@link DirectionPolicy} with its defaults filled in. */
export interface ResolvedDirection {
  /** Milliseconds; undefined: the backend's backoff. */
  readonly retryInterval: number | undefined;
  /** Milliseconds; Infinity for `forever`. */
  readonly retryTimeout: number;
  /** What happens to a failure that is not held, or no longer. */
  readonly action: ErrorAction;
}

/** The policy of one backend, as data: it can be printed ({@link HoldPolicy.rules}) and asked ({@link HoldPolicy.ruleFor}). */
export class HoldPolicy {
  readonly rules: readonly HoldRule[];
  /** Milliseconds; Infinity for `forever`, 0 for off. */
  readonly iohangTimeoutMs: number;
  readonly read: ResolvedDirection;
  readonly write: ResolvedDirection;

  /** @throws RangeError for a number out of its range. */
  constructor(options: PolicyOptions) {
    this.rules = options.holdRules ?? DEFAULT_HOLD_RULES;
    const iohangTimeout = options.iohangTimeout ?? "forever";
    this.iohangTimeoutMs = limit("iohangTimeout", iohangTimeout) * 1000;
    this.read = this.#resolve("read", options.read ?? {});
    this.write = this.#resolve("write", options.write ?? {});
    if (this.read.action === "enospc") throw new RangeError("read.action cannot be enospc");
  }

  #resolve(name: string, direction: DirectionPolicy): ResolvedDirection {
    const byDefault = this.iohangTimeoutMs > 0 ? "forever" : 0;
    const { retryInterval } = direction;
    if (retryInterval !== undefined && !(retryInterval >= 1 && retryInterval <= 0x7fffffff)) {
      throw new RangeError(`${name}.retryInterval must be from 1 to 2147483647 ms, not ${retryInterval}`);
    }
    return {
      retryInterval,
      retryTimeout: limit(`${name}.retryTimeout`, direction.retryTimeout ?? byDefault),
      action: direction.action ?? "report",
    };
  }

  /** Milliseconds that a hang may last; without I/O hang only the requests' own times count. */
  get outageLimitMs(): number {
    return this.iohangTimeoutMs === 0 ? Infinity : this.iohangTimeoutMs;
  }

  /** True if anything at all can be held. */
  get holds(): boolean {
    return this.read.retryTimeout > 0 || this.write.retryTimeout > 0;
  }

  /** The row of the table that decides about this error. */
  ruleFor(error: BlockError, direction: Direction): HoldRule | undefined {
    return this.rules.find(
      (rule) =>
        (rule.errorClass === undefined || rule.errorClass === error.errorClass) &&
        (rule.code === undefined || rule.code === error.code) &&
        (rule.direction === undefined || rule.direction === direction),
    );
  }

  /** True if a request of this direction that failed like this is to be held (leaving timeouts aside). */
  isHeld(error: BlockError, direction: Direction): boolean {
    return this[direction].retryTimeout > 0 && (this.ruleFor(error, direction)?.hold ?? false);
  }

  /** What is done about an error that is not held; never `enospc`, which is resolved here. */
  actionFor(error: BlockError, direction: Direction): Exclude<ErrorAction, "enospc"> {
    const { action } = this[direction];
    if (action !== "enospc") return action;
    return error.errorClass === "no-space" ? "stop" : "report";
  }
}

function limit(name: string, value: Limit): number {
  if (value === "forever") return Infinity;
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new RangeError(`${name} must be a number >= 0 or "forever", not ${value}`);
}
