import { OptionError } from "./option-error.ts";
import type { QemuOpt } from "./opt-description.ts";

const PREFIX = "stats-intervals.";
const LONGEST = 0xffff_ffff;

/** True for a key of the list of intervals, which the block driver does not see. */
export function isIntervalKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

/**
 * The elements of the list `stats-intervals`, undefined for one that is no text.
 *
 * @throws OptionError for a key that is no index, or behind a gap
 */
export function listIntervals(options: readonly QemuOpt[]): (string | undefined)[] {
  const texts = new Map<string, string>();
  const objects = new Set<string>();
  const keys = options.filter(({ key }) => isIntervalKey(key));
  for (const { key, value } of keys) {
    if (key.includes(".", PREFIX.length)) objects.add(indexOf(key));
    else texts.set(indexOf(key), value);
  }
  const intervals: (string | undefined)[] = [];
  const listed = new Set<string>();
  for (let index = "0"; texts.has(index) !== objects.has(index); index = String(intervals.length)) {
    intervals.push(texts.get(index));
    listed.add(index);
  }
  const other = keys.find(({ key }) => !listed.has(indexOf(key)));
  if (other === undefined) return intervals;
  throw new OptionError(`Invalid option ${other.key}`, { code: "unexpected", path: other.key });
}

function indexOf(key: string): string {
  return key.slice(PREFIX.length).split(".", 1)[0] ?? "";
}

/** The lengths of the intervals in seconds, checked as QEMU does when the drive is open. */
export function readIntervals(intervals: readonly (string | undefined)[]): number[] {
  return intervals.map((text) => {
    if (text === undefined) throw invalid("The specification of stats-intervals is invalid");
    const seconds = /^[ \t\n\v\f\r]*\+?[0-9]+$/.test(text) ? Number(text) : 0;
    if (seconds >= 1 && seconds <= LONGEST) return seconds;
    throw invalid(`Invalid interval length: ${text}`);
  });
}

function invalid(message: string): OptionError {
  return new OptionError(message, { code: "invalid-value", path: "stats-intervals" });
}
