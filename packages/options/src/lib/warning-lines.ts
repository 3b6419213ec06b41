import { OptionError } from "./option-error.ts";

/** Lines that QEMU warns with, each once, so that a long text cannot make more of them than it has different mistakes. */
export class WarningLines {
  // Made when they are needed: a configuration file may have a hundred thousand sections that warn of nothing.
  #seen: Set<string> | undefined;
  #flags: Set<string> | undefined;
  readonly lines: string[] = [];

  add(line: string): void {
    this.#seen ??= new Set();
    if (this.#seen.has(line)) return;
    this.#seen.add(line);
    this.lines.push(line);
  }

  /** The lines about an item without a value. */
  addFlag(flag: string): void {
    this.#flags ??= new Set();
    if (this.#flags.has(flag)) return;
    this.#flags.add(flag);
    const negated = flag.startsWith("no");
    const key = negated ? flag.slice(2) : flag;
    const instead = key === "delay" ? `nodelay=${negated ? "on" : "off"}` : `${key}=${negated ? "off" : "on"}`;
    this.lines.push(`short-form boolean option '${flag}' deprecated`, `Please use ${instead} instead`);
  }
}

/** Does `work`; what it throws carries the lines that there are by then. */
export function warnFirst<T>(warnings: readonly string[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof OptionError ? error.after(warnings) : error;
  }
}
