import { patience, type ActResult } from "./act.ts";
import type { DemoOptions } from "./demo-options.ts";
import { duration, plural } from "./figures.ts";

type Limits = Pick<DemoOptions, "firstIoWithin">;

/** Why the story does not hold; empty if it does. */
export function judge(without: ActResult, withHang: ActResult, limits: Limits): string[] {
  return [
    ...(without.errors === 0 ? ["Without I/O hang, the client saw no error: there was nothing to be saved from."] : []),
    ...judgeData("Without I/O hang", without, limits),
    ...(withHang.errors > 0 ? [`With I/O hang, the client saw ${plural(withHang.errors, "error")}.`] : []),
    ...judgeData("With I/O hang", withHang, limits),
    ...judgeFirstIo(withHang, limits),
    ...judgeEvents(withHang),
  ];
}

/** What was acknowledged must be there, with I/O hang and without. */
function judgeData(when: string, { readBack, wrongReads, firstIo }: ActResult, limits: Limits): string[] {
  if (readBack === null || firstIo === null) {
    return [`${when}, no request succeeded within ${duration(patience(limits))} of the end of the outage.`];
  }
  const { disk, file } = readBack;
  const reasons: string[] = [];
  if (wrongReads > 0) reasons.push(`${when}, ${plural(wrongReads, "read")} gave other data than was written.`);
  if (disk.right < disk.blocks) reasons.push(`${when}, ${plural(disk.blocks - disk.right, "block")} read back wrong.`);
  if (file.right < disk.blocks) {
    reasons.push(`${when}, the storage's file has ${plural(disk.blocks - file.right, "block")} wrong.`);
  }
  return reasons;
}

function judgeFirstIo({ firstIo }: ActResult, { firstIoWithin }: Limits): string[] {
  if (firstIo === null || firstIo <= 1000 * firstIoWithin) return [];
  return [`With I/O hang, the first I/O came only ${duration(firstIo)} after the storage's return.`];
}

/** One hang, which began and ended, and did not reach its timeout. */
function judgeEvents({ hangEvents }: ActResult): string[] {
  const told = hangEvents.map(({ event, set }) => `${event} set=${set}`).join(", ");
  const outages = new Set(hangEvents.map(({ outage }) => outage));
  if (told === "BLOCK_IO_HANG set=true, BLOCK_IO_HANG set=false" && outages.size === 1) return [];
  return [`With I/O hang, the daemon's events were not one begin and one end of a hang, but: ${told || "none"}.`];
}
