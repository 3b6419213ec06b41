import { DRIVE_KEYS } from "./drive-keys.ts";
import { readCommon, type DriveCommon } from "./drive-common.ts";
import { readGuestSide } from "./drive-guest.ts";
import type { DriveHeldTimes } from "./drive-held-times.ts";
import { driveNode, protocolDriver } from "./drive-node.ts";
import { checkIdFree, createDriveContext, takePlace, type DriveContext, type DriveInterface } from "./drive-place.ts";
import { presentOptions } from "./drive-spellings.ts";
import { readIntervals } from "./drive-statistics.ts";
import type { DriveThrottling } from "./drive-throttling.ts";
import { parseDiscard, type DriveCache, type DriveReadAction, type DriveWriteAction } from "./drive-words.ts";
import type { FlatOptions } from "./keyval-flatten.ts";
import type { KeyvalObject } from "./keyval-tree.ts";
import { readOpts, type OptValues, type QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";
import { parseQemuOpts } from "./qemu-opts.ts";
import { warnFirst } from "./warning-lines.ts";

/** What `-drive` says, checked. */
export interface Drive extends DriveHeldTimes {
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
  /** Undefined if no limit and no group was given. */
  readonly throttling: DriveThrottling | undefined;
  /** What the drive's statistics count, and over which intervals they do besides, in seconds. */
  readonly statistics: {
    readonly accountInvalid: boolean;
    readonly accountFailed: boolean;
    readonly intervals: readonly number[];
  };
  /**
   * The node to open, as `--blockdev` would describe it, without the members above: `driver` (absent if no format was
   * given: the image is probed), `file`, and the driver's own options. Undefined for an empty drive.
   */
  readonly node: KeyvalObject | undefined;
  /** Lines that QEMU would print. */
  readonly warnings: readonly string[];
}

const { driver, discard } = DRIVE_KEYS;

/** What is looked at when the node is opened; a drive with one of these is not an empty one. */
const OPEN_KEYS = {
  driver,
  discard,
  "cache.direct": DRIVE_KEYS["cache.direct"],
  "cache.no-flush": DRIVE_KEYS["cache.no-flush"],
} as const;
type OpenValues = OptValues<typeof OPEN_KEYS>;

/**
 * Parses the argument of `-drive`. The `context` is what several drives share; give the same one for all of a command
 * line. Of several mistakes it finds the one that QEMU finds.
 *
 * @throws OptionError in QEMU's words, with the `warnings` before it
 */
export function parseDrive(argument: string, context: DriveContext = createDriveContext()): Drive {
  const { id, options, warnings } = parseQemuOpts(argument);
  const lines = [...warnings];
  return warnFirst(lines, () => readDrive(id, options, context, lines));
}

function readDrive(
  id: string | undefined,
  given: readonly QemuOpt[],
  context: DriveContext,
  warnings: string[],
): Drive {
  checkIdFree(id, context);
  const { own, others } = presentOptions(given);
  const guest = readGuestSide(id, own, context, warnings);
  const common = readCommon(own);
  const opened = openNode(guest.file, common, own, others);
  takePlace(guest.type, guest.place, guest.id, context);
  return {
    id: guest.id,
    interface: guest.type,
    ...guest.place,
    media: guest.media,
    readOnly: guest.readOnly,
    snapshot: common.snapshot,
    copyOnRead: guest.copyOnRead,
    aio: common.aio,
    detectZeroes: common.detectZeroes,
    werror: common.werror,
    rerror: common.rerror,
    ...common.heldTimes,
    throttling: common.throttling,
    ...opened,
    warnings,
  };
}

/** The node that is to be opened, and the switches that are looked at then. */
function openNode(
  file: string | undefined,
  common: DriveCommon,
  options: readonly QemuOpt[],
  others: FlatOptions,
): Pick<Drive, "node" | "cache" | "discard" | "statistics"> {
  const driver = common.format ?? options.findLast(({ key }) => key === "driver")?.value;
  const hasSwitches = options.some(({ key }) => Object.hasOwn(OPEN_KEYS, key));
  const node = driveNode(file, driver, others, hasSwitches);
  const switches = readOpts(OPEN_KEYS, options);
  const discard = parseDiscard(switches.discard);
  if (common.aio === "native") checkNative(node, switches);
  return {
    node,
    discard,
    cache: {
      writeback: common.writeback,
      direct: switches["cache.direct"],
      noFlush: switches["cache.no-flush"],
    },
    statistics: {
      accountInvalid: common.accountInvalid,
      accountFailed: common.accountFailed,
      intervals: readIntervals(node === undefined ? [] : common.intervals),
    },
  };
}

/** Only files are opened in a way that needs it. */
function checkNative(node: KeyvalObject | undefined, switches: OpenValues): void {
  if (node === undefined || protocolDriver(node) !== "file" || switches["cache.direct"]) return;
  const message = "aio=native was specified, but it requires cache.direct=on, which was not specified.";
  throw new OptionError(message, { code: "inconsistent", path: "aio" });
}
