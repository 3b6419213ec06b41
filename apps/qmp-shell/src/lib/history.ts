import {
  closeSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { failureText } from "./presenter.ts";

/** Lines that are kept. */
export const HISTORY_LINES = 1000;

/** A longer line is not kept. */
const LONGEST_LINE = 16 * 1024;

/** A larger file is not ours. */
const LARGEST_FILE = 64 * 1024 * 1024;

const OWNER_ONLY = 0o600;

/** What may hold a secret does not go into a file. */
const SECRET = /(?:^|[\s.])(?:password|passwd|data|secret)=|["'](?:password|passwd|data|secret)["']\s*:\s*["']/;

/** Where the history is unless told otherwise. */
export function historyFile(env: NodeJS.ProcessEnv): string {
  const state = env["XDG_STATE_HOME"] ?? "";
  // A relative one is to be ignored, says the specification of base directories.
  return join(state.startsWith("/") ? state : join(homedir(), ".local", "state"), "rehandle", "qmp-history");
}

/** The lines typed in this and earlier sessions, in a file that only its owner can read. */
export class History {
  readonly #path: string;
  /** Said once if the file cannot be used; the shell works all the same. */
  readonly #complain: (text: string) => void;
  #hasComplained = false;
  #last = "";

  constructor(path: string, complain: (text: string) => void) {
    this.#path = path;
    this.#complain = complain;
  }

  /** The newest lines, the newest first. A file that has grown is cut. */
  load(): string[] {
    const lines = this.#try(() => this.#read()) ?? [];
    const kept = lines.slice(-HISTORY_LINES);
    if (lines.length > 2 * HISTORY_LINES) this.#try(() => this.#rewrite(kept));
    this.#last = kept.at(-1) ?? "";
    return kept.toReversed();
  }

  /** Keeps a line, unless it begins with a blank, is the last one again, or may hold a secret. */
  add(line: string): void {
    const isUnwanted = line.trim() === "" || /^\s/.test(line) || line === this.#last || line.length > LONGEST_LINE;
    if (isUnwanted || SECRET.test(line) || /[\r\n]/.test(line)) return;
    this.#last = line;
    this.#try(() => {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      write(this.#path, "a", `${line}\n`);
    });
  }

  #read(): string[] {
    const status = statSync(this.#path, { throwIfNoEntry: false });
    // Of /dev/null nothing is read, and nothing of it is changed.
    if (status === undefined || !status.isFile()) return [];
    if (status.size > LARGEST_FILE) throw new Error("it is too large");
    return readFileSync(this.#path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  #rewrite(lines: readonly string[]): void {
    const draft = `${this.#path}.${process.pid}`;
    write(draft, "w", lines.map((line) => `${line}\n`).join(""));
    renameSync(draft, this.#path);
  }

  #try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!this.#hasComplained) this.#complain(`no history in ${this.#path}: ${failureText(error)}`);
      this.#hasComplained = true;
      return undefined;
    }
  }
}

/** Writes what nobody else may read, also if the file was there with other rights. */
function write(path: string, flags: "a" | "w", text: string): void {
  const file = openSync(path, flags, OWNER_ONLY);
  try {
    if (fstatSync(file).isFile()) fchmodSync(file, OWNER_ONLY);
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}
