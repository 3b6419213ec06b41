import { open, readFile } from "node:fs/promises";
import { readFileSync, unlinkSync } from "node:fs";
import { errnoOf, wordsOfErrno } from "./errno-words.ts";
import { UsageError } from "./usage-error.ts";

/** A file with the process id, which goes with the process. */
export interface PidFile {
  /** Removes it, unless somebody else's is there by now. Never throws. */
  remove(): void;
}

/**
 * Writes the process id. Node cannot lock files as QEMU does; instead a file whose process is alive counts as locked.
 *
 * @throws UsageError (as a rejection) in QEMU's words
 */
export async function createPidFile(path: string, pid: number): Promise<PidFile> {
  try {
    const other = Number.parseInt(await readFile(path, "utf8").catch(() => ""), 10);
    if (other > 0 && other !== pid && isAlive(other)) {
      throw new UsageError(`cannot create PID file: Cannot lock pid file: ${wordsOfErrno("EAGAIN")}`);
    }
    const file = await open(path, "w", 0o600);
    await file.writeFile(`${pid}\n`);
    await file.close();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot create PID file: Could not create '${path}': ${wordsOfErrno(errnoOf(error))}`);
  }
  return { remove: () => remove(path, pid) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}

function remove(path: string, pid: number): void {
  try {
    if (Number.parseInt(readFileSync(path, "utf8"), 10) === pid) unlinkSync(path);
  } catch {
    // It is gone already.
  }
}
