/** What the figures of a run are figures of. */
import { spawnSync } from "node:child_process";
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

export interface MachineFacts {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Average load of the minute before the run; well above 0 means that others were at work. */
  readonly load: number;
  /** Each program's first line about its version. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Programs that are run, and how they tell their version. */
const programs: Readonly<Record<string, string>> = {
  fio: "--version",
  nbdcopy: "--version",
  nbdkit: "--version",
  "qemu-nbd": "--version",
  "qemu-storage-daemon": "--version",
  "qemu-system-x86_64": "--version",
};

/** @param node The Node that runs our daemon. */
export function machineFacts(node: string): MachineFacts {
  return {
    processor: cpus()[0]?.model ?? arch(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()} ${arch()}`,
    load: loadavg()[0] ?? 0,
    versions: {
      node: versionOf(node, "--version"),
      ...Object.fromEntries(Object.entries(programs).map(([name, flag]) => [name, versionOf(name, flag)])),
    },
  };
}

/** The programs that are not installed. */
export function missingPrograms({ versions }: MachineFacts): string[] {
  return Object.keys(versions).filter((name) => versions[name] === MISSING);
}

export function formatMachine(facts: MachineFacts): string {
  const { processor, cores, memoryGiB, kernel, load, versions } = facts;
  const machine = `${processor}, ${cores} cores, ${memoryGiB} GiB; ${kernel}; load ${load.toFixed(2)} before the run`;
  return [
    machine,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  ].join("\n");
}

const MISSING = "missing";

function versionOf(program: string, flag: string): string {
  const { stdout, status } = spawnSync(program, [flag], { encoding: "utf8" });
  if (status !== 0) return MISSING;
  return /\d+\.\d+(\.\d+)*/.exec(stdout)?.[0] ?? stdout.trim();
}
