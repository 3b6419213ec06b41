import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FROM_SOURCES = ["--conditions=@rehandle/source", "--disable-warning=ExperimentalWarning"];

/** The command that runs the shell from its sources. */
export const SHELL: readonly string[] = [
  process.execPath,
  ...FROM_SOURCES,
  fileURLToPath(new URL("../main.ts", import.meta.url)),
];

/** The command that runs our daemon from its sources. */
export const DAEMON: readonly string[] = [
  process.execPath,
  ...FROM_SOURCES,
  fileURLToPath(new URL("daemon-main.ts", import.meta.url)),
];

/** Real peers and tools, and the Debian packages that have them. */
const PACKAGES = {
  "qemu-storage-daemon": "qemu-system-common",
  "qemu-system-x86_64": "qemu-system-x86",
  socat: "socat",
} as const;

/** True if a program is there. If not it says so loudly; where `CI` is set that is a failure. */
export function haveProgram(program: keyof typeof PACKAGES): boolean {
  if (spawnSync(program, ["-V"]).error === undefined) return true;
  const why = `${program} not found: install the Debian package ${PACKAGES[program]}`;
  if (process.env["CI"] !== undefined) throw new Error(why);
  process.stderr.write(`\n*** SKIPPED: ${why} ***\n\n`);
  return false;
}

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own for a test, and the processes that work in it. */
export class Sandbox {
  readonly folder: string = mkdtempSync(join(tmpdir(), "rehandle-qmp-"));
  readonly #children = new Set<ChildProcess>();

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a program; it is killed at the end. */
  start([program = "", ...args]: readonly string[], stdio: "pipe" | "ignore" = "ignore"): ChildProcess {
    const env = { ...process.env, XDG_STATE_HOME: this.path("state"), NO_COLOR: undefined, TERM: "xterm" };
    const child = spawn(program, args, { cwd: this.folder, stdio: [stdio, stdio, stdio], env });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    child.on("error", () => undefined);
    return child;
  }

  /** Runs the shell without a terminal, to its end. */
  shell(args: readonly string[], input = ""): Promise<Ended> {
    const child = this.start([...SHELL, ...args], "pipe");
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    return endOf(child);
  }

  /** Starts our daemon with a monitor on the socket `name`, and these options besides. */
  async daemon(name: string, options: readonly string[] = []): Promise<ChildProcess> {
    const monitor = ["--chardev", `socket,id=qmp,path=${this.path(name)},server=on,wait=off`, "--monitor", "qmp"];
    const child = this.start([...DAEMON, ...options, ...monitor]);
    await untilAccepts(this.path(name));
    return child;
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("close", resolve));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a program printed until it ended. */
export function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => void child.once("close", (code) => resolve({ code, stdout, stderr })));
}

/** Runs a test in a sandbox of its own. */
export async function inSandbox(test: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = new Sandbox();
  try {
    await test(sandbox);
  } finally {
    await sandbox.remove();
  }
}

/** Waits until somebody accepts at a path or a port. */
export async function untilAccepts(where: string | number): Promise<void> {
  let isThere = false;
  const look = (): boolean => {
    const socket = typeof where === "number" ? connect(where, "127.0.0.1") : connect(where);
    socket.on("error", () => undefined);
    socket.on("connect", () => {
      isThere = true;
      socket.destroy();
    });
    return isThere;
  };
  await until(`somebody at ${where}`, look);
}

/** Waits until something is so; long enough for any machine. */
export async function until(what: string, look: () => boolean, more: () => string = () => ""): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (look()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited in vain for: ${what}\n${more()}`);
}
