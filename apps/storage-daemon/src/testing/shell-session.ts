import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Sandbox } from "./sandbox.ts";
import { until } from "./time.ts";

/** Completes the word at the cursor. */
export const TAB = "\u0014";
/** Puts all candidates there. */
export const ALL = "\u0019";
/** Prints the line, and clears it. */
const SHOW = "\u000F";

/** How an interactive shell is started, and told what the keys above do. */
const SHELLS = {
  bash: {
    command: "bash --norc --noprofile -i",
    setup: [
      "show() { printf '\\nLINE<%s>\\n' \"$READLINE_LINE\"; READLINE_LINE=; }",
      "bind 'set bell-style none'",
      `bind '"\\C-t": complete'; bind '"\\C-y": insert-completions'; bind -x '"\\C-o": show'`,
    ],
  },
  zsh: {
    command: "zsh -f -i",
    setup: [
      "autoload -Uz compinit && compinit -D -u",
      'show() { print -r -- "LINE<$BUFFER>"; BUFFER=; }; zle -N show; bindkey "^O" show',
      "_all() { compstate[insert]=all; _main_complete; }; zle -C all complete-word _all",
      'bindkey "^T" expand-or-complete; bindkey "^Y" all',
    ],
  },
} as const;

/** A real interactive shell on a terminal of its own, with the program and its completion. */
export class ShellSession {
  readonly #child: ChildProcess;
  #output = "";

  /** In the sandbox's folder, which is in PATH and has the program. */
  constructor(sandbox: Sandbox, shell: keyof typeof SHELLS) {
    const { command, setup } = SHELLS[shell];
    installProgram(sandbox);
    this.#child = spawn("script", ["-qec", command, "/dev/null"], {
      cwd: sandbox.folder,
      env: { ...process.env, PATH: `${sandbox.folder}/bin:${process.env["PATH"] ?? ""}`, PS1: "> ", TERM: "dumb" },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    sandbox.atEnd(() => this.#end());
    const lines = [...setup, `source <(rehandle-storage-daemon --completion ${shell})`, "printf 'RE''ADY\\n'"];
    this.#child.stdin?.write(lines.map((line) => `${line}\n`).join(""));
  }

  async ready(): Promise<void> {
    await until("the shell's prompt", () => this.#output.includes("READY"));
  }

  /** What the line becomes when this is typed, blanks at its end left out. */
  async type(keys: string): Promise<string> {
    this.#output = "";
    this.#child.stdin?.write(keys + SHOW);
    let found: RegExpExecArray | null = null;
    await until("the line", () => (found = /LINE<([^>]*)>/.exec(this.#output)) !== null);
    return (found?.[1] ?? "").trimEnd();
  }

  async #end(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}

/** The program, as far as shells ask it, below `bin`. */
export function installProgram(sandbox: Sandbox): void {
  const file = fileURLToPath(new URL("completion-program.ts", import.meta.url));
  const words = [process.execPath, "--conditions=@rehandle/source", "--disable-warning=ExperimentalWarning", file];
  const command = words.map((word) => `'${word}'`).join(" ");
  mkdirSync(sandbox.path("bin"), { recursive: true });
  writeFileSync(sandbox.path("bin/rehandle-storage-daemon"), `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(sandbox.path("bin/rehandle-storage-daemon"), 0o755);
}
