import { readConfigFile } from "../lib/config-file.ts";
import { mergeKeyval } from "../lib/keyval-merge.ts";
import type { KeyvalObject } from "../lib/keyval-tree.ts";
import { parseKeyval } from "../lib/keyval.ts";
import { formatOptionError, isOptionError } from "../lib/option-error.ts";
import { OptsList } from "../lib/opts-list.ts";
import { setOption } from "../lib/set-option.ts";
import { qemuChardev } from "./qemu-chardev.ts";

/** An option and its argument; of `-readconfig` the contents of the file. */
export type GivenOption = readonly [flag: string, argument: string];

/** The name of the file that every `-readconfig` reads. */
export const CONFIG_FILE = "a.cfg";

const NAME = { guest: { type: "str" }, process: { type: "str" }, "debug-threads": { type: "bool" } } as const;
const MEMORY = { size: { type: "size" }, slots: { type: "number" }, maxmem: { type: "size" } } as const;

/** What this package says of a command line of QEMU's: an error as QEMU prints it, or a help, or nothing. */
export function ownCommandLine(options: readonly GivenOption[]): string {
  const lists = {
    "-chardev": new OptsList({ name: "chardev", known: qemuChardev, impliedKey: "backend" }),
    "-drive": new OptsList({ name: "drive" }),
    "-name": new OptsList({ name: "name", known: NAME, impliedKey: "guest", merge: true }),
    "-m": new OptsList({ name: "memory", known: MEMORY, impliedKey: "size", merge: true }),
  };
  const apply = machineOf(Object.values(lists));
  for (const [flag, argument] of options) {
    try {
      const help = flag in lists ? lists[flag as keyof typeof lists].add(argument).help : apply(flag, argument);
      if (help !== undefined) return help;
    } catch (error) {
      if (!isOptionError(error)) throw error;
      const text = formatOptionError(error).replace(/\nDid you mean.*/, "");
      if (flag === "-readconfig") return error.location === undefined ? `qemu: ${text}` : `qemu:${text}`;
      return `qemu: ${flag} ${argument}: ${text}`;
    }
  }
  return "";
}

/** What carries out the options that are no sets of a list. */
function machineOf(lists: readonly OptsList[]): (flag: string, argument: string) => undefined {
  let machine: KeyvalObject = parseKeyval("").tree;
  const onTree = (group: string, tree: KeyvalObject): void => {
    if (group === "machine") machine = mergeKeyval(machine, tree);
  };
  return (flag, argument) => {
    if (flag === "-set") setOption(lists, argument);
    else if (flag === "-readconfig") readConfigFile(argument, CONFIG_FILE, { lists, onTree });
    else machine = parseKeyval(argument, { impliedKey: "type", allowHelp: true, into: machine }).tree;
  };
}
