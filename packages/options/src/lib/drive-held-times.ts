import { DRIVE_KEYS } from "./drive-keys.ts";
import type { DriveReadAction, DriveWriteAction } from "./drive-words.ts";
import type { OptValues, QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";

type HeldTimeKey =
  | "iohang-timeout"
  | "retry_interval"
  | "retry_timeout"
  | `${"write" | "read"}-retry-${"interval" | "timeout"}`;

/** What says for how long failed I/O is held. */
export const HELD_TIME_KEYS: Pick<typeof DRIVE_KEYS, HeldTimeKey> = {
  "iohang-timeout": DRIVE_KEYS["iohang-timeout"],
  retry_interval: DRIVE_KEYS.retry_interval,
  retry_timeout: DRIVE_KEYS.retry_timeout,
  "write-retry-interval": DRIVE_KEYS["write-retry-interval"],
  "write-retry-timeout": DRIVE_KEYS["write-retry-timeout"],
  "read-retry-interval": DRIVE_KEYS["read-retry-interval"],
  "read-retry-timeout": DRIVE_KEYS["read-retry-timeout"],
};

/** Largest number of an int64_t: `iohang-timeout` is read as unsigned and used as signed. */
const I64_MAX = 2n ** 63n - 1n;

/** For how long failed I/O is held, and how often it is tried. */
export interface DriveHeldTimes {
  /** Seconds that failed I/O is held; 0 is off, and so is what a signed 64-bit number cannot hold. */
  readonly iohangTimeout: number;
  /** Milliseconds between two tries of what `retry` tries again; the default is 1000. */
  readonly retryInterval: number;
  /** Milliseconds after which `retry` reports the error; 0, the default, is never. */
  readonly retryTimeout: number;
  /** Milliseconds between two tries of a failed write; undefined if not given, as with the three below. */
  readonly writeRetryInterval: number | undefined;
  /** Milliseconds that a failed write is tried before `werror` acts. */
  readonly writeRetryTimeout: number | undefined;
  readonly readRetryInterval: number | undefined;
  readonly readRetryTimeout: number | undefined;
}

export function heldTimes(values: OptValues<typeof HELD_TIME_KEYS>): DriveHeldTimes {
  const seconds = values["iohang-timeout"];
  return {
    iohangTimeout: BigInt(seconds) > I64_MAX ? 0 : Number(seconds),
    retryInterval: Number(values.retry_interval),
    retryTimeout: Number(values.retry_timeout),
    writeRetryInterval: toNumber(values["write-retry-interval"]),
    writeRetryTimeout: toNumber(values["write-retry-timeout"]),
    readRetryInterval: toNumber(values["read-retry-interval"]),
    readRetryTimeout: toNumber(values["read-retry-timeout"]),
  };
}

/**
 * The two ways to say how long a request is tried again do not go together, and the older one needs its action.
 *
 * @throws OptionError in the words of the RFC's successor, where it has any
 */
export function checkRetryOptions(
  options: readonly QemuOpt[],
  { werror, rerror }: { werror: DriveWriteAction; rerror: DriveReadAction },
): void {
  for (const path of ["retry_interval", "retry_timeout"]) {
    if (werror === "retry" || rerror === "retry" || !isGiven(options, path)) continue;
    throw inconsistent(path, `${path} is only supported by werror/rerror=retry`);
  }
  for (const [action, direction, name] of [
    [werror, "write", "werror"],
    [rerror, "read", "rerror"],
  ] as const) {
    if (action !== "retry") continue;
    for (const path of [`${direction}-retry-interval`, `${direction}-retry-timeout`]) {
      if (isGiven(options, path)) throw inconsistent(path, `${path} and ${name}=retry cannot be used at the same time`);
    }
  }
}

function isGiven(options: readonly QemuOpt[], path: string): boolean {
  return options.some(({ key }) => key === path);
}

function inconsistent(path: string, message: string): OptionError {
  return new OptionError(message, { code: "inconsistent", path });
}

/** A time for which 53 bits are plenty. */
function toNumber(value: number | bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
