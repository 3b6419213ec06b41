import { OptionCounter } from "./bounds.ts";
import { OptionError, type OptionErrorLocation } from "./option-error.ts";
import type { QemuOpt } from "./opt-description.ts";
import type { OptsList } from "./opts-list.ts";
import { unflatten, type FlatOptions } from "./keyval-flatten.ts";
import type { KeyvalObject } from "./keyval-tree.ts";
import { warnFirst } from "./warning-lines.ts";
import { findOptsList, isKeyvalGroup } from "./set-option.ts";

/** A section of a configuration file: `[drive "disk0"]` and the lines `key = "value"` below it. */
export interface ConfigSection {
  readonly group: string;
  readonly id: string | undefined;
  /** The last value of each key. */
  readonly options: FlatOptions;
  /** Where errors about it are: at its last option. Undefined if the file had none up to its end. */
  readonly location: OptionErrorLocation | undefined;
}

/** QEMU reads lines into a buffer; what is longer goes on as a line of its own. */
const LONGEST_LINE = 1023;
const LONGEST_NAME = 63;

/** C's white space, and what it is not: `sscanf` skips the one, and takes no step back from the other. */
const NAMED_GROUP = /^\[[ \t\n\v\f\r]*(?=([^ \t\n\v\f\r]{1,63}))\1[ \t\n\v\f\r]*"([^"]{1,63})/;
const OPTION = /^[ \t\n\v\f\r]*(?=([^ \t\n\v\f\r]{1,63}))\1(?:[ \t\n\v\f\r]*=[ \t\n\v\f\r]*"([^"]{1,1023}))?/;

/**
 * The sections of a configuration file, as `-readconfig` reads it: empty lines and those that start with `#` are skipped,
 * and QEMU is lenient about the rest. A value ends at the next `"` or with its line, what follows is ignored, and a line
 * without `= "value"` is a key with an empty value. Linear in the length of the text.
 *
 * @param fileName what errors call the file
 * @throws OptionError in QEMU's words, with its `location`, when the sections before it have been given
 */
export function* parseConfigFile(text: string, fileName: string): Generator<ConfigSection, void, undefined> {
  let open: { group: string; id: string | undefined; options: FlatOptions } | undefined;
  let location: OptionErrorLocation | undefined;
  let number = 0;
  const made = new OptionCounter();
  for (const line of linesOf(text)) {
    number += 1;
    if (line.startsWith("\n") || line.startsWith("#")) continue;
    const here = { file: fileName, line: number };
    made.add(here);
    const header = line.startsWith("[") ? readHeader(line) : undefined;
    if (header !== undefined) {
      if (open !== undefined) yield sectionOf(open, location);
      open = { ...header, options: new Map() };
      continue;
    }
    location = here;
    const [, key, value = ""] = OPTION.exec(line) ?? [];
    if (key === undefined) throw new OptionError("parse error", { code: "syntax", location });
    if (open === undefined) throw new OptionError("no group defined", { code: "syntax", location });
    open.options.set(key, value);
  }
  if (open !== undefined) yield sectionOf(open, location);
}

/** A key `id` below the header is the id too. */
function sectionOf(
  { group, id, options }: { group: string; id: string | undefined; options: FlatOptions },
  location: OptionErrorLocation | undefined,
): ConfigSection {
  const last = options.get("id") ?? id;
  options.delete("id");
  return { group, id: last, options, location };
}

function readHeader(line: string): { group: string; id: string | undefined } | undefined {
  const [, group, id] = (line.includes('"') ? NAMED_GROUP.exec(line) : null) ?? [];
  if (group !== undefined) return { group, id };
  const bracket = line.indexOf("]");
  const end = Math.min(bracket < 0 ? line.length : bracket, 1 + LONGEST_NAME);
  return end > 1 ? { group: line.slice(1, end), id: undefined } : undefined;
}

/** What C's `fgets` would read, each up to its first NUL. */
function* linesOf(text: string): Generator<string, void, undefined> {
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf("\n", at);
    const end = Math.min(newline < 0 ? text.length : newline + 1, at + LONGEST_LINE);
    const line = text.slice(at, end);
    const nul = line.indexOf("\0");
    yield nul < 0 ? line : line.slice(0, nul);
    at = end;
  }
}

/** Who takes the sections of a configuration file. */
export interface ConfigReaders {
  /** The lists of the older syntax. */
  readonly lists: readonly OptsList[];
  /**
   * Takes a section of `object`, `machine`, `smp-opts` or `boot-opts`, whose keys are dotted; an id is the key `id` of the
   * tree. Default: there are no such groups.
   */
  readonly onTree?: (group: string, tree: KeyvalObject) => void;
}

/**
 * Carries out the argument of `-readconfig`: every section becomes a set of its list.
 *
 * @param text the contents of the file
 * @returns lines that QEMU warns with
 * @throws OptionError in QEMU's words, with its `location` and the `warnings` before it; sections before it have been taken
 */
export function readConfigFile(text: string, fileName: string, readers: ConfigReaders): readonly string[] {
  const warnings: string[] = [];
  return warnFirst(warnings, () => {
    for (const section of parseConfigFile(text, fileName)) {
      try {
        for (const line of takeSection(section, readers)) warnings.push(line);
      } catch (error) {
        throw error instanceof OptionError && section.location !== undefined ? error.at(section.location) : error;
      }
    }
    return warnings;
  });
}

function takeSection({ group, id, options }: ConfigSection, { lists, onTree }: ConfigReaders): readonly string[] {
  if (onTree === undefined || !isKeyvalGroup(group)) {
    return findOptsList(lists, group).addOptions(id, optsOf(options)).warnings;
  }
  onTree(group, treeOf(id, options));
  return [];
}

function* optsOf(options: FlatOptions): Generator<QemuOpt, void, undefined> {
  for (const [key, value] of options) yield { key, value };
}

function treeOf(id: string | undefined, options: FlatOptions): KeyvalObject {
  // It was taken out of the options, so that it comes last.
  if (id !== undefined) options.set("id", id);
  if (options.size > 0 && hasIndexesOnly(options)) {
    throw new OptionError("Lists cannot be at top level of a configuration section", { code: "invalid-type" });
  }
  return unflatten(options);
}

function hasIndexesOnly(options: FlatOptions): boolean {
  for (const key of options.keys()) if (!/^[0-9]+(?:\.|$)/.test(key)) return false;
  return true;
}
