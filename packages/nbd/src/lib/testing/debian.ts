import { spawn, spawnSync } from "node:child_process";

/** A program of a Debian package that a suite works with. */
export interface DebianProgram {
  readonly name: string;
  readonly package: string;
}

/**
 * True if all programs are here. Otherwise says out loud which packages are missing, so that the suite can be skipped;
 * under CI nothing may be skipped.
 * @throws Error if one is missing and the environment variable CI is set.
 */
export function havePrograms(...programs: DebianProgram[]): boolean {
  const missing = programs.filter(({ name }) => spawnSync("which", [name]).status !== 0);
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.map((program) => program.package))].join(" ");
  const message = `SKIPPED: ${missing.map(({ name }) => name).join(", ")} not found; apt-get install ${packages}`;
  if (process.env["CI"]) throw new Error(message);
  console.error(`\n*** ${message}\n`);
  return false;
}

/** What a program printed and how it ended. */
export interface ProgramResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. Not spawnSync, as the server that it talks to lives in this process. */
export function run(name: string, args: readonly string[]): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
