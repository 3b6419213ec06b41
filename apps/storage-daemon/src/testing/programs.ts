import { spawn, spawnSync } from "node:child_process";

/** Real programs that tests talk to, and the Debian packages that have them. */
const PACKAGES = {
  bash: "bash",
  fio: "fio",
  fish: "fish",
  groff: "groff-base",
  nbdcopy: "libnbd-bin",
  nbdinfo: "libnbd-bin",
  nbdkit: "nbdkit",
  openssl: "openssl",
  "qemu-img": "qemu-utils",
  "qemu-io": "qemu-utils",
  "qemu-nbd": "qemu-utils",
  "qemu-storage-daemon": "qemu-system-common",
  "qemu-system-x86_64": "qemu-system-x86",
  python3: "python3",
  script: "bsdutils",
  socat: "socat",
  zsh: "zsh",
} as const;

export type Program = keyof typeof PACKAGES;

/**
 * True if all of these programs are there. If one is missing it says so loudly, with the Debian package that has it; where
 * `CI` is set that is a failure.
 */
export function havePrograms(...programs: readonly Program[]): boolean {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).error !== undefined);
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))].join(" ");
  return notRun(`${missing.join(", ")} not found: install the Debian packages: ${packages}`);
}

/** Says loudly why tests are skipped, which is a failure where `CI` is set. */
export function notRun(why: string): false {
  if (process.env["CI"] !== undefined) throw new Error(why);
  process.stderr.write(`\n*** SKIPPED: ${why} ***\n\n`);
  return false;
}

/** How a program ended. */
export interface Ended {
  /** The exit code; null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program is run with. */
export interface RunOptions {
  readonly cwd?: string;
  /** It is killed after so long, ms. Default 120,000. */
  readonly deadline?: number;
}

/** Runs a program to its end; how it ends is the caller's to judge. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { cwd, deadline = 120_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: deadline,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs a program to its end and resolves with what it printed. @throws Error (as a rejection) unless it exits with 0 */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, options);
  if (code === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
}
