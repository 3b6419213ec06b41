import type { Pattern } from "./workloads.ts";

/** What part of a disk loads use, bytes: no more, because all that was written has to be stored before the next run. */
export const REGION: number = 256 * 1024 * 1024;

/** A load in fio's terms. */
interface FioShape {
  readonly pattern: Pattern;
  readonly block: number;
  readonly depth: number;
  readonly connections: number;
  readonly flush?: boolean;
}

/** fio's arguments for a load, without those of the engine and what it works on. */
export function fioArguments(
  { pattern, block, depth, connections, flush }: FioShape,
  seconds: number,
  size: number,
): string[] {
  return [
    "--thread",
    "--group_reporting",
    "--output-format=json",
    "--time_based",
    "--norandommap",
    `--runtime=${Math.round(seconds * 1000)}ms`,
    `--rw=${pattern}`,
    `--bs=${block}`,
    `--iodepth=${depth}`,
    `--numjobs=${connections}`,
    `--size=${Math.min(size, REGION)}`,
    "--rwmixread=70",
    ...(flush === true ? ["--fsync=1"] : []),
  ];
}
