import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

import { runProgram } from "./run-program.ts";

/** Where programs of the system are even when PATH has no such folder, as for a user who is not root. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/** The path of a program; undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** A program of this machine and the libraries that it loads, by the paths at which the guest needs them. */
export async function programFiles(program: string): Promise<{ path: string; libraries: string[] }> {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return { path, libraries: isDynamic(path) ? await librariesOf(path) : [] };
}

/** `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)` and `/lib64/ld-linux-x86-64.so.2 (0x…)`; vdso has no file. */
async function librariesOf(path: string): Promise<string[]> {
  const lines = (await runProgram("ldd", [path])).toString().split("\n");
  return lines.flatMap((line) => /(\/\S+) \(0x[0-9a-f]+\)/.exec(line)?.[1] ?? []);
}

/** True if an ELF file names an interpreter, which a static program does not. */
function isDynamic(path: string): boolean {
  return readFileSync(path).subarray(0, 4096).includes("/ld-linux");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
