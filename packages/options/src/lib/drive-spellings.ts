import { DRIVE_ALIASES } from "./drive-keys.ts";
import { parseCacheMode } from "./drive-words.ts";
import type { QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";

/** The options of a drive as they are spelt today, each key once. */
export function presentOptions(options: readonly QemuOpt[]): QemuOpt[] {
  return expandCache(rename(lastOfEach(options)));
}

/** Of each key the option that counts: the last, and of an old spelling the first, as renaming turns their order around. */
function lastOfEach(options: readonly QemuOpt[]): QemuOpt[] {
  const last = new Map<string, QemuOpt>();
  for (const option of options) {
    if (!last.has(option.key) || !DRIVE_ALIASES.has(option.key)) last.set(option.key, option);
  }
  return [...last.values()];
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
