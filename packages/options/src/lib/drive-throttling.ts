import { THROTTLING_KEYS } from "./drive-keys.ts";
import { OptionError } from "./option-error.ts";
import type { OptValues, QemuOpt } from "./opt-description.ts";

type Values = OptValues<typeof THROTTLING_KEYS>;
type LimitName = Exclude<keyof typeof THROTTLING_KEYS, "throttling.group">;

/** The limits of a drive, by the names that `--blockdev` has for them: `bps-total`, `iops-read-max`, `iops-size`. */
export interface DriveThrottling {
  /** The drives with which they are shared. */
  readonly group: string | undefined;
  /** Those that were given. */
  readonly limits: Readonly<Record<string, number | bigint>>;
}

const LARGEST = 1e15;
const BUCKETS = ["bps-total", "bps-read", "bps-write", "iops-total", "iops-read", "iops-write"] as const;
const PREFIX = "throttling.";

/** What the options say of throttling, checked in QEMU's order; undefined if nothing. */
export function readThrottling(values: Values, options: readonly QemuOpt[]): DriveThrottling | undefined {
  checkTotals(values);
  if (
    values["throttling.iops-size"] !== 0 &&
    !["total", "read", "write"].some((what) => isSet(values, `iops-${what}`))
  ) {
    throw inconsistent("iops size requires an iops value to be set");
  }
  for (const bucket of BUCKETS) checkBucket(values, bucket);
  const given = options.map(({ key }) => key).filter((key) => Object.hasOwn(THROTTLING_KEYS, key));
  const group = values["throttling.group"];
  const limits = given.filter(isLimit).map((key) => [key.slice(PREFIX.length), values[key]]);
  return given.length === 0 ? undefined : { group, limits: Object.fromEntries(limits) };
}

function isLimit(key: string): key is LimitName {
  return key !== "throttling.group";
}

function checkTotals(values: Values): void {
  for (const unit of ["bps", "iops"]) {
    for (const suffix of ["", "-max"]) {
      const isDivided = isSet(values, `${unit}-read${suffix}`) || isSet(values, `${unit}-write${suffix}`);
      if (!isDivided || !isSet(values, `${unit}-total${suffix}`)) continue;
      throw inconsistent("bps/iops/max total values and read/write values cannot be used at the same time");
    }
  }
}

function isSet(values: Values, name: string): boolean {
  const key = PREFIX + name;
  return Object.hasOwn(THROTTLING_KEYS, key) && values[key as LimitName] !== 0;
}

function checkBucket(values: Values, bucket: (typeof BUCKETS)[number]): void {
  const average = values[`throttling.${bucket}`];
  const max = values[`throttling.${bucket}-max`];
  const length = values[`throttling.${bucket}-max-length`];
  if (average > LARGEST || max > LARGEST) {
    throw inconsistent(`bps/iops/max values must be within [0, ${LARGEST}]`, "out-of-range");
  }
  if (length === 0) throw inconsistent("the burst length cannot be 0", "out-of-range");
  if (length > 1 && max === 0) throw inconsistent("burst length set without burst rate");
  if (max !== 0 && length > LARGEST / Number(max)) throw inconsistent("burst length too high for this burst rate");
  if (max !== 0 && average === 0) throw inconsistent("bps_max/iops_max require corresponding bps/iops values");
  if (max !== 0 && max < average) throw inconsistent("bps_max/iops_max cannot be lower than bps/iops");
}

function inconsistent(message: string, code: "inconsistent" | "out-of-range" = "inconsistent"): OptionError {
  return new OptionError(message, { code });
}
