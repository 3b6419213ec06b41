import { UsageError } from "@rehandle/demo";
import { parseArgs } from "node:util";

/** What the command line decides. */
export interface DemoOptions {
  /** How long the storage is away, seconds, 1 … 60. */
  readonly outage: number;
  /** `iohang-timeout` of the second act, seconds, 0 … 3600. */
  readonly iohangTimeout: number;
  /** Lines that are printed once, even on a terminal. */
  readonly plain: boolean;
}

/** What a command line asks for. */
export type Invocation = { readonly verb: "help" } | { readonly verb: "run"; readonly options: DemoOptions };

/** What `--help` prints. */
export const HELP = `Usage: rehandle-guest-demo [option]...

The story of I/O hang, told by a Linux guest on QEMU whose ext4 is on a disk of
rehandle-storage-daemon: its storage is killed and comes back, first without
I/O hang, then with it. Takes less than two minutes.

  --outage <seconds>          how long the storage is away, 1 to 60 (default 20)
  --iohang-timeout <seconds>  of the second act, 0 to 3600 (default 60); shorter
                              than the outage, and the story breaks
  --plain                     plain lines, as without a terminal
  --help                      print this

Exit status: 0 if the story holds, 1 if it does not or could not be told,
2 if the command line is wrong, 128 + N if signal N ended it.

Lines are plain, too, if output is not a terminal, or if NO_COLOR or CI is set.
Needs Debian's qemu-system-x86, nbdkit, busybox-static and e2fsprogs, and takes
the guest's kernel from Debian's mirror once.
`;

/**
 * Reads a command line.
 * @throws UsageError saying what is wrong with it.
 */
export function readArguments(args: readonly string[]): Invocation {
  const values = parse(args);
  if (values.help) return { verb: "help" };
  return {
    verb: "run",
    options: {
      outage: readNumber("outage", values.outage, 1, 60),
      iohangTimeout: readNumber("iohang-timeout", values["iohang-timeout"], 0, 3600),
      plain: values.plain,
    },
  };
}

interface Values {
  readonly outage: string;
  readonly "iohang-timeout": string;
  readonly plain: boolean;
  readonly help: boolean;
}

function parse(args: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...args],
      options: {
        outage: { type: "string", default: "20" },
        "iohang-timeout": { type: "string", default: "60" },
        plain: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function readNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not '${text}'`);
}
