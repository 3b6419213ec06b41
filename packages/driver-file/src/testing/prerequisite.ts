import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

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

/** Null for the superuser. */
export function withoutRoot(): string | null {
  return process.getuid?.() === 0 ? null : "it takes root";
}

/** Null if loop devices can be made. */
export function loopUnavailable(): string | null {
  return withoutRoot() ?? (existsSync("/dev/loop-control") ? null : "there is no /dev/loop-control");
}

/** Runs a program to its end. */
export function runProgram(program: string, ...parameters: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${parameters.join(" ")} exited with ${status}: ${stderr}`);
  return stdout;
}
