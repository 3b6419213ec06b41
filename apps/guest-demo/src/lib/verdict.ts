import { duration, plural } from "@rehandle/demo";

import type { ActResult } from "./act.ts";

/** Why the story does not hold; empty if it does. */
export function judge(without: ActResult, withHang: ActResult): string[] {
  return [...judgeWithout(without), ...judgeWith(withHang)];
}

/** There must be something to be saved from. */
function judgeWithout({ complaints, writable, writer, files }: ActResult): string[] {
  const when = "Without I/O hang,";
  const reasons: string[] = [];
  if (writer.errors === 0) reasons.push(`${when} the writer saw no error.`);
  if (complaints.length === 0) reasons.push(`${when} the guest's kernel did not complain.`);
  if (writable) reasons.push(`${when} the file system was still writable: the outage was too short for its journal.`);
  if (files.right < files.expected) reasons.push(`${when} a file that the guest saw completed is not there.`);
  return reasons;
}

function judgeWith(act: ActResult): string[] {
  const when = "With I/O hang,";
  const { writer, reader, complaints, writable, fsck, files, firstWrite } = act;
  const errors = writer.errors + reader.errors;
  const bad = writer.bad + reader.bad;
  const reasons: string[] = [];
  if (errors > 0) reasons.push(`${when} the guest saw ${plural(errors, "error")}.`);
  if (bad > 0) reasons.push(`${when} ${plural(bad, "read")} gave other data than was written.`);
  if (complaints.length > 0) reasons.push(`${when} the guest's kernel complained: ${complaints[0]}`);
  if (firstWrite === null) reasons.push(`${when} nothing was written after the storage's return.`);
  if (writer.longest < act.outage / 2) reasons.push(`${when} no write waited: ${duration(writer.longest)} at most.`);
  if (!writable) reasons.push(`${when} the file system cannot be written any more.`);
  if (fsck !== "") reasons.push(`${when} fsck is not content: ${fsck}`);
  if (files.right < files.expected) reasons.push(`${when} ${files.expected - files.right} files are not as written.`);
  return [...reasons, ...judgeEvents(act)];
}

/** One hang, which began and ended, and did not reach its timeout. */
function judgeEvents({ hangEvents }: ActResult): string[] {
  const told = hangEvents.map(({ event, set }) => `${event} set=${set}`).join(", ");
  if (told === "BLOCK_IO_HANG set=true, BLOCK_IO_HANG set=false") return [];
  return [`With I/O hang, the daemon's events were not one begin and one end of a hang, but: ${told || "none"}.`];
}
