import { nearestHint } from "./nearest-name.ts";
import { OptionError } from "./option-error.ts";
import type { OptsList } from "./opts-list.ts";

/** Groups whose options are dotted keys and not sets of the older syntax; `-set` does not reach them. */
const KEYVAL_GROUPS: ReadonlySet<string> = new Set(["object", "machine", "smp-opts", "boot-opts"]);

/** `GROUP.ID.KEY=VALUE`; QEMU has room for 63 characters of each name. */
const SETTING = /^([^.]{1,63})\.([^.]{1,63})\.([^=]{1,63})=(.*)$/s;

/**
 * Carries out the argument of `-set`: `drive.disk0.cache=none` adds an option to a set that is there.
 *
 * @returns lines that QEMU warns with
 * @throws OptionError in QEMU's words
 */
export function setOption(lists: Iterable<OptsList>, text: string): readonly string[] {
  const [, group, id, key, value] = SETTING.exec(text) ?? [];
  if (group === undefined || id === undefined || key === undefined || value === undefined) {
    throw new OptionError(`can't parse: "${text}"`, { code: "syntax" });
  }
  if (isKeyvalGroup(group)) throw new OptionError(`-set is not supported with ${group}`, { code: "invalid-value" });
  return findOptsList(lists, group).set(id, key, value);
}

/** True for the groups of a configuration file whose keys are dotted, and make a tree. */
export function isKeyvalGroup(group: string): boolean {
  return KEYVAL_GROUPS.has(group);
}

/** The list of this name. */
export function findOptsList(lists: Iterable<OptsList>, group: string): OptsList {
  const names: string[] = [];
  for (const list of lists) {
    if (list.definition.name === group) return list;
    names.push(list.definition.name);
  }
  throw new OptionError(`There is no option group '${group}'`, {
    code: "unexpected",
    hints: nearestHint(group, names),
  });
}
