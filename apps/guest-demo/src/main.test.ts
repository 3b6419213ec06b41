import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

import { haveGuestPrograms } from "./testing/programs.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function demo(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const command = ["--conditions=@rehandle/source", "--disable-warning=ExperimentalWarning", MAIN, ...args];
  return spawnSync(process.execPath, command, { encoding: "utf8", timeout: 170_000, killSignal: "SIGTERM" });
}

test("it says how it is used", () => {
  expect(demo("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("Usage: rehandle-guest-demo") });
  expect(demo("--outage", "x")).toMatchObject({ status: 2, stderr: expect.stringContaining("not 'x'") });
});

describe.skipIf(!haveGuestPrograms("qemu-system-x86_64", "nbdkit"))("the story", () => {
  test("holds", { timeout: 180_000 }, () => {
    const { status, stdout, stderr } = demo("--plain", "--outage", "8");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/ext4 afterwards +READ-ONLY +writable/);
    expect(stdout).toMatch(/completed files there, as written +(\d+) of \1 +(\d+) of \2/);
    expect(status).toBe(0);
  });
});
