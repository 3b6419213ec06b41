import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { SHELL, until, type Sandbox } from "./sandbox.ts";
import { Screen } from "./screen.ts";

/** Keys of a terminal. */
export const Key = {
  enter: "\r",
  tab: "\t",
  up: "\u001b[A",
  left: "\u001b[D",
  ctrlC: "\u0003",
  ctrlD: "\u0004",
} as const;

/** The shell in a terminal of its own, as a user has it. */
export class PtyShell {
  readonly screen: Screen;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, columns: number) {
    this.#child = child;
    this.screen = new Screen(columns);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => this.screen.write(text));
  }

  /** Starts it; resolves when the prompt is there. */
  static async start(sandbox: Sandbox, args: readonly string[], columns = 80): Promise<PtyShell> {
    const script = sandbox.path("run.sh");
    const words = [...SHELL, ...args].map((word) => `'${word}'`).join(" ");
    writeFileSync(script, `stty rows 24 cols ${columns}\n${words}\necho "exit code $?"\n`);
    const child = sandbox.start(["socat", "-", `EXEC:sh ${script},pty,setsid,ctty,stderr`], "pipe");
    const shell = new PtyShell(child, columns);
    await shell.seesLine("(QMP) ");
    return shell;
  }

  /** Sends keys one after the other, as fingers do. */
  async type(...keys: string[]): Promise<void> {
    for (const key of keys) {
      this.#child.stdin?.write(key);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** Waits until the screen has this text. */
  async sees(text: string): Promise<void> {
    await until(
      JSON.stringify(text),
      () => this.screen.text.includes(text),
      () => this.screen.text,
    );
  }

  /** Waits until this stands before the cursor. */
  async seesLine(text: string): Promise<void> {
    await until(
      `the line ${JSON.stringify(text)}`,
      () => this.screen.beforeCursor === text,
      () => this.screen.text,
    );
  }

  /** Ends it, by Ctrl-D unless told otherwise; resolves with its exit code. */
  async end(...keys: string[]): Promise<number> {
    await this.type(...(keys.length === 0 ? [Key.ctrlD] : keys));
    await this.sees("exit code ");
    return Number(/exit code (\d+)/.exec(this.screen.text)?.[1]);
  }
}
