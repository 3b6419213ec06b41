import { parseArgs } from "node:util";

/** What the command line decides. */
export interface DemoOptions {
  /** How long the storage is away, seconds, 1 … 60. */
  readonly outage: number;
  /** How long all is well before the outage and after it, seconds, 0.5 … 60. */
  readonly calm: number;
  /** Requests that the client keeps in flight, 1 … 128. */
  readonly queueDepth: number;
  /** How soon after the storage's return the first I/O must succeed in the second act, seconds, 0.05 … 60. */
  readonly firstIoWithin: number;
  /** `iohang-timeout` of the second act, seconds, 0 … 3600. */
  readonly iohangTimeout: number;
  /** The storage comes back. */
  readonly returns: boolean;
  /** Lines that are printed once, even on a terminal. */
  readonly plain: boolean;
}

/** What a command line asks for. */
export type Invocation = { readonly verb: "help" } | { readonly verb: "run"; readonly options: DemoOptions };

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** What `--help` prints. */
export const HELP = `Usage: rehandle-demo [option]...

The story of I/O hang on real sockets. A client reads and writes through
rehandle-storage-daemon, whose storage is killed and comes back: first without
I/O hang, then with it. Takes about 20 seconds and needs nothing but Node.

  --outage <seconds>          how long the storage is away, 1 to 60 (default 4)
  --calm <seconds>            how long all is well before the outage, and after
                              it, 0.5 to 60 (default 2)
  --queue-depth <requests>    requests in flight, 1 to 128 (default 16)
  --iohang-timeout <seconds>  of the second act, 0 to 3600 (default 60); shorter
                              than the outage, and the story breaks
  --first-io-within <seconds> how soon after the storage's return the first I/O
                              must succeed, 0.05 to 60 (default 1)
  --no-return                 the storage never comes back: the story breaks
  --plain                     plain lines, as without a terminal
  --help                      print this

Exit status: 0 if the story holds, 1 if it does not or could not be told,
2 if the command line is wrong, 128 + N if signal N ended it.

Lines are plain, too, if output is not a terminal, or if NO_COLOR or CI is set.
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
      calm: readNumber("calm", values.calm, 0.5, 60),
      queueDepth: readInteger("queue-depth", values["queue-depth"], 1, 128),
      firstIoWithin: readNumber("first-io-within", values["first-io-within"], 0.05, 60),
      iohangTimeout: readInteger("iohang-timeout", values["iohang-timeout"], 0, 3600),
      returns: !values["no-return"],
      plain: values.plain,
    },
  };
}

interface Values {
  readonly outage: string;
  readonly calm: string;
  readonly "queue-depth": string;
  readonly "first-io-within": string;
  readonly "iohang-timeout": string;
  readonly "no-return": boolean;
  readonly plain: boolean;
  readonly help: boolean;
}

function parse(args: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...args],
      options: {
        outage: { type: "string", default: "4" },
        calm: { type: "string", default: "2" },
        "queue-depth": { type: "string", default: "16" },
        "first-io-within": { type: "string", default: "1" },
        "iohang-timeout": { type: "string", default: "60" },
        "no-return": { type: "boolean", default: false },
        plain: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function readNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a number from ${least} to ${most}, not '${text}'`);
}

function readInteger(name: string, text: string, least: number, most: number): number {
  const value = readNumber(name, text, least, most);
  if (Number.isInteger(value)) return value;
  throw new UsageError(`--${name} takes a whole number, not '${text}'`);
}
