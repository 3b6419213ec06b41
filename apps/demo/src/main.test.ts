import { spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";

const MAIN = join(import.meta.dirname, "main.ts");
const BRIEF = ["--outage", "1", "--calm", "0.5"];
/** For runs beside others. */
const LIGHT = ["--queue-depth", "4"];

interface Ended {
  /** The exit code, or the signal's name. */
  readonly how: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the demo with a folder for temporary files of its own, and sees to it that nothing is left there and nobody uses it.
 * `onOutput` hears what it has printed so far, and may end it.
 */
async function runDemo(args: readonly string[], onOutput: (stdout: string, pid: number) => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), "demo-test-"));
  try {
    const ended = await startDemo(folder, args, onOutput);
    expect(readdirSync(folder)).toEqual([]);
    await vi.waitFor(() => expect(processesOf(folder)).toEqual([]), 5000);
    return ended;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function startDemo(
  folder: string,
  args: readonly string[],
  onOutput: (stdout: string, pid: number) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=@rehandle/source", MAIN, ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onOutput(stdout, child.pid ?? 0);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ how: code ?? signal, stdout, stderr }));
  });
}

/** Command lines of processes that were given a path in the folder, where the system tells. */
function processesOf(folder: string): string[] {
  if (!existsSync("/proc/self/cmdline")) return [];
  return globSync("/proc/[0-9]*/cmdline")
    .map(readCommandLine)
    .filter((line) => line.includes(folder));
}

/** Empty for a process that is gone by now. */
function readCommandLine(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

test("the demo tells the story, and it holds", { timeout: 60_000 }, async () => {
  // How fast it is depends on the machine, which others use.
  const { how, stdout, stderr } = await runDemo([...BRIEF, "--first-io-within", "10"]);
  expect(stderr).toBe("");
  expect(how).toBe(0);
  expect(stdout).toMatch(/ 1 {2}Without I\/O hang.*iohang-timeout=0[^]* the client's first error: .*EIO\n/);
  expect(stdout).toMatch(/ 2 {2}With I\/O hang.*iohang-timeout=60,/);
  expect(stdout).toMatch(/BLOCK_IO_HANG, set: true, outage: (\S+)\n[^]*BLOCK_IO_HANG, set: false, outage: \1\n/);
  expect(stdout).toMatch(/\n errors seen by the client +[1-9][\d,]* +0\n/);
  expect(stdout).toMatch(/\n blocks verified +2,048 of 2,048 +2,048 of 2,048\n/);
  expect(stdout).not.toContain("\u001b");
});

describe.concurrent("the demo", { timeout: 60_000 }, () => {
  test("fails if the storage stays away", async () => {
    const { how, stderr } = await runDemo([...BRIEF, ...LIGHT, "--no-return", "--first-io-within", "0.5"]);
    expect(how).toBe(1);
    expect(stderr).toContain(" The story does not hold.\n");
    expect(stderr).toContain(" - With I/O hang, no request succeeded within 1.50 s of the end of the outage.\n");
  });

  test("fails if the client sees an error in spite of I/O hang", async () => {
    const args = ["--outage", "2.5", "--calm", "0.5", "--iohang-timeout", "1", ...LIGHT];
    const { how, stdout, stderr } = await runDemo(args);
    expect(how).toBe(1);
    expect(stderr).toMatch(/ - With I\/O hang, the client saw [\d,]+ errors?\.\n/);
    expect(stdout).not.toContain("The same outage twice.");
  });

  test("puts everything away when it is interrupted", async () => {
    let sent = false;
    const { how, stderr } = await runDemo(LIGHT, (stdout, pid) => {
      if (sent || !stdout.includes("IOPS")) return;
      sent = true;
      process.kill(pid, "SIGINT");
    });
    expect(how).toBe(130);
    expect(stderr).toBe("\nrehandle-demo: ended by SIGINT\n");
  });

  test("prints its help, and what is wrong with a command line", async () => {
    const [help, wrong] = await Promise.all([runDemo(["--help"]), runDemo(["--outage", "never"])]);
    expect(help).toMatchObject({ how: 0, stderr: "" });
    expect(help.stdout).toContain("Usage: rehandle-demo");
    expect(wrong).toMatchObject({ how: 2, stdout: "" });
    expect(wrong.stderr).toContain("--outage takes a number from 1 to 60, not 'never'");
  });
});
