import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG_FILE, type GivenOption } from "./own-command-line.ts";

/**
 * True if the program is installed. If it is not, says so out loud, and throws with `CI` set: what must be there may not
 * be missing in silence.
 */
export function hasProgram(program: string, debianPackage: string): boolean {
  if (spawnSync(program, ["--version"]).error === undefined) return true;
  const message = `NOT RUN: ${program} is missing; install the Debian package ${debianPackage}`;
  if (process.env["CI"]) throw new Error(message);
  console.warn(message);
  return false;
}

/** What a program that was let run to its end wrote. */
interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], cwd?: string): Promise<Output> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: 20_000 }, (_error, stdout, stderr) => resolve({ stdout, stderr }));
  });
}

/** QEMU's message about a `--blockdev` argument; undefined if it takes it. */
export async function qemuBlockdevError(argument: string): Promise<string | undefined> {
  const { stderr } = await run("qemu-storage-daemon", ["--blockdev", argument, "--blockdev", "help"]);
  const prefix = `qemu-storage-daemon: --blockdev ${argument}: `;
  const message = stderr.startsWith(prefix) ? stderr.slice(prefix.length).trimEnd() : undefined;
  // The argument was understood; that a node has to be named is a rule of opening it.
  if (message === "'node-name' must be specified for the root node") return undefined;
  if (message !== undefined) return message;
  if (stderr.includes("--blockdev help: Help is not available")) return undefined;
  throw new Error(`unexpected answer to ${argument}: ${stderr}`);
}

/**
 * What QEMU prints of a command line that starts no machine: the error with `qemu` for the program's name, or the help.
 * Empty if it takes all of the options.
 */
export async function qemuCommandLine(options: readonly GivenOption[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "options-"));
  try {
    const args = options.flatMap(([flag, argument]) => {
      if (flag !== "-readconfig") return [flag, argument];
      writeFileSync(join(folder, CONFIG_FILE), argument);
      return [flag, CONFIG_FILE];
    });
    // Options are carried out in their order, so that this error is the last.
    const { stdout, stderr } = await run("qemu-system-x86_64", [...args, "-set", "END"], folder);
    const lines = stderr
      .replaceAll("qemu-system-x86_64:", "qemu:")
      .replaceAll(/^qemu: .*warning: .*\nPlease use .*\n/gm, "");
    return (stdout + lines).trimEnd().replace(`qemu: -set END: can't parse: "END"`, "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The message of `qemu-img create -f raw -o OPTIONS`; undefined if it makes the image. */
export async function qemuCreateError(options: string): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "options-"));
  try {
    const { stderr } = await run("qemu-img", ["create", "-f", "raw", "-o", options, "image"], folder);
    const errors = stderr.replaceAll(/^qemu-img: warning: .*\n(Please use .*\n)?/gm, "");
    return errors === "" ? undefined : errors.replace(/^qemu-img: image: /, "").trimEnd();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The message of `qemu-img info FILENAME`, as far as it is about the name; undefined if it is about what lies behind. */
export async function qemuFileNameError(name: string): Promise<string | undefined> {
  const { stderr } = await run("qemu-img", ["info", name], tmpdir());
  const message = messageOf(stderr.replace(`qemu-img: Could not open '${name}': `, ""));
  return /^(Failed to connect|Could not open|address resolution)/.test(message) ? undefined : message;
}

function messageOf(stderr: string): string {
  return stderr
    .replaceAll(/^Unexpected error in .*\n/gm, "")
    .replace(/^qemu-img: /, "")
    .trimEnd();
}

/** Does `work` for every item, two at a time. */
export async function forAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all([worker(), worker()]);
}
