import { checkRetryOptions, HELD_TIME_KEYS, heldTimes, type DriveHeldTimes } from "./drive-held-times.ts";
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
import { readOpts, type QemuOpt } from "./opt-description.ts";
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
  ...HELD_TIME_KEYS,
} as const;

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
  const actions = { werror: parseWriteAction(values.werror), rerror: parseReadAction(values.rerror) };
  checkRetryOptions(options, actions);
  return {
    heldTimes: heldTimes(values),
    snapshot: values.snapshot,
    writeback: values["cache.writeback"],
    format: values.format,
    aio,
    throttling,
    detectZeroes,
    ...actions,
    accountInvalid: values["stats-account-invalid"],
    accountFailed: values["stats-account-failed"],
    intervals,
  };
}
