import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import type { Clock } from "@rehandle/driver-sdk";

import { sleep } from "./sleep.ts";

/** Between two looks whether another process has finished an entry, ms. */
const LOCK_POLL = 100;
/** How long another process may take, ms. */
const LOCK_DEADLINE = 300_000;

/** A folder of entries that are made once and never change, shared by all runs of this user. */
export class CacheFolder {
  readonly folder: string;
  readonly #clock: Clock;

  /** @param folder Default: `rehandle/guest` in the user's cache folder (XDG Base Directory). */
  constructor(clock: Clock, folder: string = defaultFolder()) {
    this.#clock = clock;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** The paths of the entries that are complete. */
  entries(): string[] {
    return readdirSync(this.folder)
      .filter((name) => !name.startsWith("."))
      .toSorted()
      .map((name) => join(this.folder, name));
  }

  /**
   * The folder of that entry, which `make` fills if it is not there yet. Runs at the same time wait for one of them; an entry
   * is seen only when it is complete.
   */
  async entry(name: string, make: (folder: string) => Promise<void>): Promise<string> {
    const path = join(this.folder, name);
    if (existsSync(path)) return path;
    const unlock = await this.#lock(name);
    try {
      if (!existsSync(path)) await this.#fill(path, make);
    } finally {
      unlock();
    }
    return path;
  }

  async #fill(path: string, make: (folder: string) => Promise<void>): Promise<void> {
    const temporary = mkdtempSync(join(this.folder, ".new-"));
    try {
      await make(temporary);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      // Somebody who took our lock for an orphan's was quicker: that one is as good.
      if (!existsSync(path)) throw error;
    }
  }

  /** Waits its turn; returns what ends it. */
  async #lock(name: string): Promise<() => void> {
    const lock = join(this.folder, `.lock-${name}`);
    const start = this.#clock.now();
    while (!tryToLock(lock)) {
      if (isOrphan(lock)) rmSync(lock, { force: true });
      else await sleep(this.#clock, LOCK_POLL);
      if (this.#clock.now() - start > LOCK_DEADLINE) throw new Error(`another run does not finish: ${lock}`);
    }
    return () => rmSync(lock, { force: true });
  }
}

function defaultFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "rehandle", "guest");
}

function tryToLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** True if the process that made the lock is gone. */
function isOrphan(lock: string): boolean {
  const pid = readPid(lock);
  // Not there any more, or not written yet.
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function readPid(lock: string): number {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    return 0;
  }
}
