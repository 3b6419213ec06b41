import { DRIVE_KEYS, takesArgument, type OptionDescription } from "@rehandle/options";
import { chardevDescription } from "./chardev-options.ts";
import type { OptionName } from "./command-line.ts";
import { blockdevOption, exportOption, monitorOption, nbdServerOption, objectOption } from "./option-table.ts";

/** The shells that there is a completion for. */
export const SHELLS = ["bash", "fish", "zsh"] as const;

/** All options of the command line, in the order of the help. */
export const OPTIONS: readonly OptionDescription[] = [
  { flag: "--help", shortFlag: "-h", help: "display this help and exit" },
  { flag: "--version", shortFlag: "-V", help: "output version information and exit" },
  {
    flag: "--completion",
    argument: "shell",
    values: SHELLS,
    help: "output a script by which bash, fish or zsh completes the options, and exit",
  },
  {
    ...blockdevOption.description,
    group: "Storage",
    help: "add a node, as keyval or as JSON",
    details:
      "A node has the options of its driver, and those that all drivers have. Its node-name is how other options refer to " +
      "it; a node within the options of another (file.driver=...) needs none.",
  },
  {
    flag: "--drive",
    group: "Storage",
    known: DRIVE_KEYS,
    names: "node",
    usages: [
      "file=<file>[,id=<id>][,format=raw][,iohang-timeout=<s>][,werror=<action>][,rerror=<action>][,read-only=on|off][,...]",
    ],
    help: "add a drive: its storage and, if anything is to be held, a rehandle node above it, named like the drive",
  },
  { ...nbdServerOption.description, group: "Exports", help: "start an NBD server for exporting nodes" },
  { ...exportOption.description, group: "Exports", help: "export a node (nbd requires --nbd-server)" },
  { ...objectOption.description, group: "Objects", help: "add an object that other options refer to" },
  chardevDescription,
  { ...monitorOption.description, group: "Monitors", help: "put a QMP monitor on a character device" },
  {
    flag: "--pidfile",
    group: "Process",
    argument: "path",
    values: "file",
    help: "write process ID to a file after startup",
  },
  { flag: "--daemonize", hidden: true },
  { flag: "--trace", shortFlag: "-T", argument: "events", hidden: true },
];

/** Beginnings of these are taken only where no option of qemu-storage-daemon begins so. */
const NOT_IN_QEMU: readonly string[] = ["completion", "drive"];

/** The options by name in the order of the alphabet, to find them on a command line. */
export const OPTION_NAMES: readonly OptionName[] = OPTIONS.toSorted((a, b) => (a.flag < b.flag ? -1 : 1)).map(
  (option) => {
    const name = option.flag.slice(2);
    return {
      name,
      hasArgument: takesArgument(option),
      yields: NOT_IN_QEMU.includes(name),
      ...(option.shortFlag === undefined ? {} : { letter: option.shortFlag.slice(1) }),
    };
  },
);

/** The first word of a command line that asks how the rest of it could go on; only the completions' scripts say it. */
export const COMPLETE_FLAG = "--complete";
