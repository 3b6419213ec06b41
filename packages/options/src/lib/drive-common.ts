import { DRIVE_KEYS, STATISTICS_KEYS, THROTTLING_KEYS } from "./drive-keys.ts";
import { listIntervals } from "./drive-statistics.ts";
import { readThrottling, type DriveThrottling } from "./drive-throttling.ts";
import {
  parseAio,
  parseDetectZeroes,
  parseReadAction,
  parseWriteAction,
  type DriveReadAction,
  type DriveWriteAction,
} from "./drive-words.ts";
import { readOpts, type OptValues, type QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";

const { snapshot, aio: aioKey, format, werror, rerror } = DRIVE_KEYS;

/** What belongs to the drive as such. */
const COMMON_KEYS = {
  ...THROTTLING_KEYS,
  ...STATISTICS_KEYS,
  snapshot,
  aio: aioKey,
  format,
  werror,
  rerror,
  "cache.writeback": DRIVE_KEYS["cache.writeback"],
  "detect-zeroes": DRIVE_KEYS["detect-zeroes"],
  "iohang-timeout": DRIVE_KEYS["iohang-timeout"],
  "write-retry-interval": DRIVE_KEYS["write-retry-interval"],
  "write-retry-timeout": DRIVE_KEYS["write-retry-timeout"],
  "read-retry-interval": DRIVE_KEYS["read-retry-interval"],
  "read-retry-timeout": DRIVE_KEYS["read-retry-timeout"],
} as const;

/** Largest number of an int64_t: `iohang-timeout` is read as unsigned and used as signed. */
const I64_MAX = 2n ** 63n - 1n;

/** For how long failed I/O is held, and how often it is tried. */
export interface DriveHeldTimes {
  /** Seconds that failed I/O is held; 0 is off, and so is what a signed 64-bit number cannot hold. */
  readonly iohangTimeout: number;
  /** Milliseconds between two tries of a failed write; undefined if not given, as with the three below. */
  readonly writeRetryInterval: number | undefined;
  /** Milliseconds that a failed write is tried before `werror` acts. */
  readonly writeRetryTimeout: number | undefined;
  readonly readRetryInterval: number | undefined;
  readonly readRetryTimeout: number | undefined;
}

/** What a drive has whatever its node is. */
export interface DriveCommon {
  readonly heldTimes: DriveHeldTimes;
  readonly snapshot: boolean;
  readonly writeback: boolean;
  readonly format: string | undefined;
  readonly aio: "threads" | "native" | "io_uring";
  readonly throttling: DriveThrottling | undefined;
  readonly detectZeroes: "off" | "on" | "unmap";
  readonly werror: DriveWriteAction;
  readonly rerror: DriveReadAction;
  readonly accountInvalid: boolean;
  readonly accountFailed: boolean;
  readonly intervals: readonly (string | undefined)[];
}

/** Reads what QEMU reads of a drive before it opens the node. */
export function readCommon(options: readonly QemuOpt[]): DriveCommon {
  const values = readOpts(COMMON_KEYS, options);
  const intervals = listIntervals(options);
  const aio = parseAio(values.aio);
  const throttling = readThrottling(values, options);
  const detectZeroes = parseDetectZeroes(values["detect-zeroes"]);
  if (values.format !== undefined && options.some(({ key }) => key === "driver")) {
    throw new OptionError("Cannot specify both 'driver' and 'format'", { code: "inconsistent", path: "format" });
  }
  return {
    heldTimes: readHeldTimes(values),
    snapshot: values.snapshot,
    writeback: values["cache.writeback"],
    format: values.format,
    aio,
    throttling,
    detectZeroes,
    werror: parseWriteAction(values.werror),
    rerror: parseReadAction(values.rerror),
    accountInvalid: values["stats-account-invalid"],
    accountFailed: values["stats-account-failed"],
    intervals,
  };
}

function readHeldTimes(values: OptValues<typeof COMMON_KEYS>): DriveHeldTimes {
  const seconds = values["iohang-timeout"];
  return {
    iohangTimeout: BigInt(seconds) > I64_MAX ? 0 : Number(seconds),
    writeRetryInterval: toNumber(values["write-retry-interval"]),
    writeRetryTimeout: toNumber(values["write-retry-timeout"]),
    readRetryInterval: toNumber(values["read-retry-interval"]),
    readRetryTimeout: toNumber(values["read-retry-timeout"]),
  };
}

/** A time for which 53 bits are plenty. */
function toNumber(value: number | bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
