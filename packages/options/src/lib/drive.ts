import { DRIVE_ALIASES, DRIVE_KEYS } from "./drive-keys.ts";
import { driveNode } from "./drive-node.ts";
import {
  checkInterface,
  createDriveContext,
  obeysErrorActions,
  takeId,
  takePlace,
  type DriveContext,
  type DriveInterface,
} from "./drive-place.ts";
import {
  parseAio,
  parseCacheMode,
  parseDetectZeroes,
  parseDiscard,
  parseMedia,
  parseReadAction,
  parseWriteAction,
  type DriveCache,
  type DriveReadAction,
  type DriveWriteAction,
} from "./drive-words.ts";
import type { FlatOptions } from "./keyval-flatten.ts";
import type { KeyvalObject } from "./keyval-tree.ts";
import { readOpts, type OptValues, type QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";
import { parseQemuOpts } from "./qemu-opts.ts";
import { parseNumber } from "./scalars.ts";

/** What `-drive` says, checked. */
export interface Drive {
  /** As given, or made of the place: `none0`, `ide0-hd1`. */
  readonly id: string;
  readonly interface: DriveInterface;
  readonly bus: number;
  readonly unit: number;
  readonly media: "disk" | "cdrom";
  /** True for a cdrom too. */
  readonly readOnly: boolean;
  readonly snapshot: boolean;
  readonly copyOnRead: boolean;
  readonly cache: DriveCache;
  readonly aio: "threads" | "native" | "io_uring";
  readonly discard: "ignore" | "unmap";
  readonly detectZeroes: "off" | "on" | "unmap";
  readonly werror: DriveWriteAction;
  readonly rerror: DriveReadAction;
  /** Seconds that failed I/O is held; 0 is off, and so is what a signed 64-bit number cannot hold. */
  readonly iohangTimeout: number;
  /** Milliseconds between two tries of a failed write; undefined if not given, as with the three below. */
  readonly writeRetryInterval: number | undefined;
  /** Milliseconds that a failed write is tried before `werror` acts. */
  readonly writeRetryTimeout: number | undefined;
  readonly readRetryInterval: number | undefined;
  readonly readRetryTimeout: number | undefined;
  /**
   * The node to open, as `--blockdev` would describe it, without the members above: `driver` (absent if no format was
   * given: the image is probed), `file`, and the driver's own options. Undefined for an empty drive.
   */
  readonly node: KeyvalObject | undefined;
  /** Lines that QEMU would print. */
  readonly warnings: readonly string[];
}

type Values = OptValues<typeof DRIVE_KEYS>;

/** Largest number of an int64_t: `iohang-timeout` is read as unsigned and used as signed. */
const I64_MAX = 2n ** 63n - 1n;

/**
 * Parses the argument of `-drive`. The `context` is what several drives share; give the same one for all of a command
 * line.
 *
 * @throws OptionError in QEMU's words
 */
export function parseDrive(argument: string, context: DriveContext = createDriveContext()): Drive {
  const opts = parseQemuOpts(argument);
  const options = expandCache(rename(lastOfEach(opts.options)));
  checkThrottling(options);
  const values = readOpts(DRIVE_KEYS, options);
  const media = parseMedia(values.media);
  const type = checkInterface(values.if);
  checkErrorActions(type, options);
  const words = readWords(values);
  const node = driveNode(values.file, values.driver, values.format, leftOver(options));
  const wanted = { bus: toNumber(values.bus), unit: toNumber(values.unit), index: toNumber(values.index) };
  const place = takePlace(type, wanted, context);
  return {
    id: takeId(opts.id, type, media === "cdrom", place, context),
    interface: type,
    ...place,
    media,
    readOnly: values["read-only"] || media === "cdrom",
    snapshot: values.snapshot,
    copyOnRead: values["copy-on-read"] && !values["read-only"],
    ...words,
    iohangTimeout: iohangTimeout(values["iohang-timeout"]),
    writeRetryInterval: toNumber(values["write-retry-interval"]),
    writeRetryTimeout: toNumber(values["write-retry-timeout"]),
    readRetryInterval: toNumber(values["read-retry-interval"]),
    readRetryTimeout: toNumber(values["read-retry-timeout"]),
    node,
    warnings: [...opts.warnings, ...driveWarnings(values)],
  };
}

/** Of each key the last, which is the one that counts. */
function lastOfEach(options: readonly QemuOpt[]): QemuOpt[] {
  const last = new Map<string, QemuOpt>();
  for (const option of options) last.set(option.key, option);
  return [...last.values()];
}

/** Gives every option its present name. */
function rename(options: readonly QemuOpt[]): QemuOpt[] {
  const given = new Set(options.map(({ key }) => key));
  for (const [from, to] of DRIVE_ALIASES) {
    if (!given.has(from) || !given.has(to)) continue;
    const message = `'${to}' and its alias '${from}' can't be used at the same time`;
    throw new OptionError(message, { code: "inconsistent", path: to });
  }
  return options.map(({ key, value }) => ({ key: DRIVE_ALIASES.get(key) ?? key, value }));
}

/** Puts the three switches that `cache=` stands for before the options, so that explicit ones win. */
function expandCache(options: readonly QemuOpt[]): QemuOpt[] {
  const word = options.find(({ key }) => key === "cache")?.value;
  if (word === undefined) return [...options];
  const { writeback, direct, noFlush } = parseCacheMode(word);
  return [
    { key: "cache.writeback", value: onOff(writeback) },
    { key: "cache.direct", value: onOff(direct) },
    { key: "cache.no-flush", value: onOff(noFlush) },
    ...options.filter(({ key }) => key !== "cache"),
  ];
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}

/** Throttling is not carried here, but its numbers are checked where QEMU checks them; the driver then refuses them. */
function checkThrottling(options: readonly QemuOpt[]): void {
  for (const { key, value } of options) {
    if (/^throttling\.(?:iops|bps)-/.test(key)) parseNumber(value, key);
  }
}

function checkErrorActions(type: DriveInterface, options: readonly QemuOpt[]): void {
  if (obeysErrorActions(type)) return;
  for (const path of ["werror", "rerror"]) {
    if (options.some(({ key }) => key === path)) {
      throw new OptionError(`${path} is not supported by this bus type`, { code: "inconsistent", path });
    }
  }
}

type Words = Pick<Drive, "cache" | "aio" | "discard" | "detectZeroes" | "werror" | "rerror">;

/** The options that take one of some words. */
function readWords(values: Values): Words {
  const werror = parseWriteAction(values.werror);
  const rerror = parseReadAction(values.rerror);
  const discard = parseDiscard(values.discard);
  const aio = parseAio(values.aio);
  if (aio === "native" && !values["cache.direct"]) {
    const message = "aio=native was specified, but it requires cache.direct=on, which was not specified.";
    throw new OptionError(message, { code: "inconsistent", path: "aio" });
  }
  const detectZeroes = parseDetectZeroes(values["detect-zeroes"]);
  const cache = {
    writeback: values["cache.writeback"],
    direct: values["cache.direct"],
    noFlush: values["cache.no-flush"],
  };
  return { cache, aio, discard, detectZeroes, werror, rerror };
}

/** What `-drive` does not know itself. */
function leftOver(options: readonly QemuOpt[]): FlatOptions {
  return new Map(options.filter(({ key }) => !Object.hasOwn(DRIVE_KEYS, key)).map(({ key, value }) => [key, value]));
}

function driveWarnings(values: Values): string[] {
  return values["copy-on-read"] && values["read-only"] ? ["disabling copy-on-read on read-only drive"] : [];
}

function iohangTimeout(seconds: number | bigint): number {
  return BigInt(seconds) > I64_MAX ? 0 : Number(seconds);
}

/** A count or a time for which 53 bits are plenty. */
function toNumber(value: number | bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
