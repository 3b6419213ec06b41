import {
  driveOptionError,
  isOptionError,
  parseDrive,
  type Drive,
  type DriveContext,
  type KeyvalObject,
} from "@rehandle/options";
import type { NodeOptions, NodeOptionsOf } from "./option-types.ts";
import { blockdevOption } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** The most that a node takes, ms: some 25 days. */
const LONGEST_INTERVAL = 2 ** 31 - 1;

/** A drive of the command line and the node that it stands for. */
export interface DriveNodes {
  readonly drive: Drive;
  /** The topmost node, named like the drive; null for a drive without a medium. */
  readonly node: NodeOptions | null;
}

/**
 * The nodes of a `-drive`: the storage and, above it, a `rehandle` node if anything of the drive asks for one. The topmost
 * one has the drive's id as its node-name, unless `node-name` is given, so that `--export` can name it.
 *
 * @param warn takes lines that QEMU would warn with; those before an OptionError are in it
 * @throws UsageError or OptionError in QEMU's words
 */
export function readDrive(
  argument: string,
  context: DriveContext,
  warn: (lines: readonly string[]) => void,
): DriveNodes {
  const drive = parseDrive(argument, context);
  warn(drive.warnings);
  if (drive.snapshot) throw new UsageError("snapshot=on is not supported");
  if (drive.copyOnRead) throw new UsageError("copy-on-read=on is not supported");
  if (!drive.cache.writeback) throw new UsageError("cache.writeback=off is not supported");
  if (drive.throttling !== undefined) throw new UsageError("throttling is not supported");
  if (drive.statistics.intervals.length > 0) throw new UsageError("stats-intervals is not supported");
  if (drive.node === undefined) return { drive, node: null };
  const node = needsFilter(drive) ? filterNode(drive) : storageNode(drive, drive.id);
  warn([...probeWarnings(drive.node), ...retryWarnings(drive)]);
  return { drive, node };
}

/** With `report` for both directions and nothing held, a filter would only stand in the way. */
function needsFilter(drive: Drive): boolean {
  const held = drive.iohangTimeout > 0 || (drive.readRetryTimeout ?? 0) > 0 || (drive.writeRetryTimeout ?? 0) > 0;
  return held || drive.werror !== "report" || drive.rerror !== "report";
}

function filterNode(drive: Drive): NodeOptions {
  const storage = storageNode(drive, undefined);
  const texts: Record<string, string> = {
    driver: "rehandle",
    "node-name": storage["node-name"] === undefined ? drive.id : `${drive.id}-rehandle`,
    "iohang-timeout": String(drive.iohangTimeout),
    ...policyTexts(drive, "write", drive.werror),
    ...policyTexts(drive, "read", drive.rerror),
    discard: drive.discard,
    "read-only": onOff(drive.readOnly),
    file: "",
  };
  const filter = blockdevOption.fromKeyval({ ...texts }) as NodeOptionsOf<"rehandle">;
  return { ...filter, file: storage };
}

/** `retry` is no action of a node: it says how long to hold, and reports what fails until then. */
function policyTexts(drive: Drive, direction: "read" | "write", action: Drive["werror"]): Record<string, string> {
  const name = direction === "read" ? "rerror" : "werror";
  if (action === "retry") {
    return {
      [name]: "report",
      [`${direction}-retry-interval`]: String(Math.min(Math.max(1, drive.retryInterval), LONGEST_INTERVAL)),
      [`${direction}-retry-timeout`]: drive.retryTimeout === 0 ? "forever" : String(drive.retryTimeout),
    };
  }
  return {
    [name]: action,
    ...number(`${direction}-retry-interval`, drive[`${direction}RetryInterval`]),
    ...number(`${direction}-retry-timeout`, drive[`${direction}RetryTimeout`]),
  };
}

function number(name: string, value: number | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: String(value) };
}

/** The node that the drive's file and format mean. What is said of the drive holds for the nodes below it. */
function storageNode(drive: Drive, name: string | undefined): NodeOptions {
  const given = drive.node ?? {};
  const defaults: KeyvalObject = {
    ...(name === undefined ? {} : { "node-name": name }),
    driver: "raw",
    discard: drive.discard,
    "read-only": onOff(drive.readOnly),
    "auto-read-only": "on",
    "detect-zeroes": drive.detectZeroes,
    cache: { direct: onOff(drive.cache.direct), "no-flush": onOff(drive.cache.noFlush) },
  };
  const tree: KeyvalObject = { ...defaults, ...given };
  try {
    return blockdevOption.fromKeyval(tree);
  } catch (error) {
    throw isOptionError(error) ? driveOptionError(error, tree) : error;
  }
}

function probeWarnings(node: KeyvalObject): string[] {
  if (node["driver"] !== undefined) return [];
  return ["Image format was not specified, and is taken as raw. Specify format=raw to remove this warning."];
}

function retryWarnings(drive: Drive): string[] {
  if (drive.iohangTimeout > 0) return [];
  const idle = (["write", "read"] as const).filter((direction) => {
    return drive[`${direction}RetryInterval`] !== undefined && (drive[`${direction}RetryTimeout`] ?? 0) === 0;
  });
  return idle.map((name) => `${name}-retry-interval does nothing without ${name}-retry-timeout or iohang-timeout`);
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}
