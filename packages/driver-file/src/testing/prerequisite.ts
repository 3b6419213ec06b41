import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Whether a test can run that needs `reason` to be null. If it cannot, it says so out loud, and with `CI` set it throws: what
 * must be there may not be missing in silence.
 */
export function prerequisite(what: string, reason: string | null): boolean {
  if (reason === null) return true;
  const message = `NOT RUN: ${what}: ${reason}`;
  if (process.env["CI"]) throw new Error(message);
  console.warn(message);
  return false;
}

/** Null if the program is installed. */
export function withoutProgram(program: string, debianPackage: string): string | null {
  const found = spawnSync(program, ["--version"]).error === undefined;
  return found ? null : `${program} is missing; install the Debian package ${debianPackage}`;
}

/** Null if a file system can be mounted here; root in a container often cannot. */
export function mountUnavailable(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "rehandle-mount-"));
  try {
    const { error, status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
    if (error !== undefined || status !== 0) return "mount does not work; it takes root and its capabilities";
    runProgram("umount", folder);
    return null;
  } finally {
    rmdirSync(folder);
  }
}

/** Null if loop devices can be made here. */
export function loopUnavailable(): string | null {
  const { error, status } = spawnSync("losetup", ["--find"]);
  const root = process.getuid?.() === 0;
  return root && error === undefined && status === 0
    ? null
    : "losetup does not work; it takes root and /dev/loop-control";
}

/** Runs a program to its end. */
export function runProgram(program: string, ...parameters: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${parameters.join(" ")} exited with ${status}: ${stderr}`);
  return stdout;
}
