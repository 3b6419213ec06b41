import { DRIVE_ALIASES, DRIVE_KEYS, STATISTICS_KEYS, THROTTLING_KEYS } from "./drive-keys.ts";
import { isIntervalKey } from "./drive-statistics.ts";
import { parseCacheMode } from "./drive-words.ts";
import type { FlatOptions } from "./keyval-flatten.ts";
import type { QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";

const KNOWN: ReadonlySet<string> = new Set([DRIVE_KEYS, THROTTLING_KEYS, STATISTICS_KEYS].flatMap(Object.keys));

/** The options of a drive, each key once. */
export interface PresentOptions {
  /** What `-drive` knows itself, as it is spelt today. */
  readonly own: readonly QemuOpt[];
  /** The rest, which belongs to the block driver. */
  readonly others: FlatOptions;
}

/** Tells the few options that a drive knows from the others, of which a hostile text has a hundred thousand. */
export function presentOptions(options: readonly QemuOpt[]): PresentOptions {
  const others = lastOfEach(options);
  const own: QemuOpt[] = [];
  for (const [key, value] of others) {
    if (!KNOWN.has(key) && !DRIVE_ALIASES.has(key) && !isIntervalKey(key)) continue;
    own.push({ key, value });
    others.delete(key);
  }
  return { own: expandCache(rename(own)), others };
}

/** Of each key the option that counts: the last, and of an old spelling the first, as renaming turns their order around. */
function lastOfEach(options: readonly QemuOpt[]): FlatOptions {
  const last: FlatOptions = new Map();
  for (const { key, value } of options) {
    if (!DRIVE_ALIASES.has(key) || !last.has(key)) last.set(key, value);
  }
  return last;
}

/** Gives every option its present name. */
function rename(options: readonly QemuOpt[]): readonly QemuOpt[] {
  const old = new Set(options.filter(({ key }) => DRIVE_ALIASES.has(key)).map(({ key }) => key));
  if (old.size === 0) return options;
  for (const [from, to] of DRIVE_ALIASES) {
    if (!old.has(from) || !options.some(({ key }) => key === to)) continue;
    const message = `'${to}' and its alias '${from}' can't be used at the same time`;
    throw new OptionError(message, { code: "inconsistent", path: to });
  }
  return options.map(({ key, value }) => ({ key: DRIVE_ALIASES.get(key) ?? key, value }));
}

/** Puts the three switches that `cache=` stands for before the options, so that explicit ones win. */
function expandCache(options: readonly QemuOpt[]): readonly QemuOpt[] {
  const word = options.find(({ key }) => key === "cache")?.value;
  if (word === undefined) return options;
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
