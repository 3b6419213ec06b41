import { parseArgs } from "node:util";

/** What a run does, from the command line. */
export interface BenchOptions {
  /** Everything, the micro benchmarks alone, or the comparison of those with a base commit. */
  readonly task: "all" | "micro" | "guard";
  /** What the guard compares with. */
  readonly base: string;
  /** Of cases, `recovery`, `drain`, `start-up`, `scale` and `micro`. */
  readonly only: RegExp;
  /** Of servers, besides ours. */
  readonly peers: RegExp;
  readonly rounds: number;
  /** Length of one run of a client, s. */
  readonly seconds: number;
  /** Size of the disk, bytes. */
  readonly size: number;
  readonly outages: number;
  /** Length of each outage, s. */
  readonly outageSeconds: number;
  /** Where the disk and the sockets are; the system's folder for temporary files if undefined. */
  readonly folder: string | undefined;
  /** Where the results go. */
  readonly out: string | undefined;
  /** Results go into docs/bench. */
  readonly docs: boolean;
  /** The Node that runs our daemon; the one that runs this if undefined. */
  readonly node: string | undefined;
  /** Our daemon; the workspace's if undefined. */
  readonly daemon: string | undefined;
  /** By how much a micro benchmark may be dearer than in the base commit, as a fraction. */
  readonly tolerance: number;
  /** Only names what would be measured. */
  readonly list: boolean;
  readonly help: boolean;
}

export const usage = `Usage: npm run bench -- [micro | guard <commit>] [options]

  --only <pattern>        cases to measure, a regular expression: 'file/', 'd32', 'recovery', 'start-up'
  --peers <pattern>       servers to compare with: 'nbdkit', 'qemu-nbd$'
  --quick                 2 rounds, 3 outages of 1 s: to see that all works
  --rounds <n>            how many times each server has its turn (5; the guard: 3)
  --seconds <s>           how long a client runs (1)
  --size <MiB>            size of the disk (1024)
  --outages <n>           how many outages (10), each of
  --outage-seconds <s>    this length (3)
  --folder <path>         where disks and sockets are; on tmpfs, preadv2 cannot tell what is cached
  --out <path>            where results go (bench/results)
  --docs                  results go into docs/bench
  --node <path>           the Node that runs our daemon
  --daemon <path>         our daemon's program
  --tolerance <fraction>  what the guard lets pass (0.1)
  --list                  name what would be measured`;

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;

const syntax = {
  only: text,
  peers: text,
  quick: flag,
  rounds: text,
  seconds: text,
  size: text,
  outages: text,
  "outage-seconds": text,
  folder: text,
  out: text,
  docs: flag,
  node: text,
  daemon: text,
  tolerance: text,
  list: flag,
  help: { ...flag, short: "h" },
} as const;

/** @throws {Error} If there is an option that is not in `usage`, or a value that is not what it has to be. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: syntax });
  const { quick, only, peers, folder, out, docs, node, daemon, list, help } = values;
  const { task, base } = taskOf(positionals);
  return {
    task,
    base,
    only: new RegExp(only ?? ""),
    peers: new RegExp(peers ?? ""),
    rounds: positive("rounds", values.rounds, quick ? 2 : task === "guard" ? 3 : 5),
    seconds: positive("seconds", values.seconds, 1),
    size: positive("size", values.size, 1024) * 1024 * 1024,
    outages: positive("outages", values.outages, quick ? 3 : 10),
    outageSeconds: positive("outage-seconds", values["outage-seconds"], quick ? 1 : 3),
    tolerance: positive("tolerance", values.tolerance, 0.1),
    folder,
    out,
    docs,
    node,
    daemon,
    list,
    help,
  };
}

function taskOf(words: readonly string[]): Pick<BenchOptions, "task" | "base"> {
  const [task = "all", base = "", ...rest] = words;
  if (task !== "all" && task !== "micro" && task !== "guard") throw new Error(`there is no task ${task}`);
  if (rest.length > 0 || (task !== "guard" && base !== "")) throw new Error(`${rest[0] ?? base} is one word too many`);
  if (task === "guard" && base === "") throw new Error("guard needs the commit to compare with");
  return { task, base };
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} has to be a number above 0`);
  return value;
}
