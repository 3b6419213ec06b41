import { execFile } from "node:child_process";

/** Output that is kept, bytes: a kernel's module is the largest. */
const MOST_OUTPUT = 256 * 1024 * 1024;
/** ms. Long enough for a download. */
const DEADLINE = 300_000;

/** Runs a program to its end; resolves with what it printed. @throws Error (as a rejection) with its words if it fails */
export function runProgram(program: string, args: readonly string[], cwd?: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { cwd, encoding: "buffer", maxBuffer: MOST_OUTPUT, timeout: DEADLINE } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const why = stderr.toString().trim() || error.message;
      reject(new Error(`${program} ${args.join(" ")}: ${why}`, { cause: error }));
    });
  });
}
