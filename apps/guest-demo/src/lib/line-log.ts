import type { Clock } from "@rehandle/driver-sdk";

/** Lines that are kept at most; the oldest go first. */
const MOST_LINES = 20_000;

/** Lines of text as they come, and a way to wait for one. */
export class LineLog {
  readonly #clock: Clock;
  readonly #what: string;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #rest = "";

  /** `what` names it in errors. */
  constructor(clock: Clock, what: string) {
    this.#clock = clock;
    this.#what = what;
  }

  /** All complete lines so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Takes text that came. */
  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#add(line.replace(/\r+$/, ""));
  }

  /** Calls `listener` for each line from now on; call what is returned to stop it. */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The first line from `from` on (an index into `lines`; default: those that come from now on) that matches.
   * @throws Error (as a rejection) with the last lines if there is none within `deadline` ms
   */
  until(pattern: RegExp, deadline: number, from: number = this.#lines.length): Promise<string> {
    return new Promise((resolve, reject) => {
      const seen = this.#lines.slice(from).find((line) => pattern.test(line));
      if (seen !== undefined) return resolve(seen);
      const timer = this.#clock.setTimer(deadline, () => {
        stop();
        const last = this.#lines.slice(-10).join("\n");
        reject(new Error(`${this.#what} did not say ${pattern} within ${deadline} ms, but last:\n${last}`));
      });
      const stop = this.onLine((line) => {
        if (!pattern.test(line)) return;
        stop();
        timer.cancel();
        resolve(line);
      });
    });
  }

  #add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > MOST_LINES) this.#lines.shift();
    for (const listener of this.#listeners) listener(line);
  }
}
