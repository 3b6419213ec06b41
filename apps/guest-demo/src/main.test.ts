import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function demo(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const command = ["--conditions=@rehandle/source", "--disable-warning=ExperimentalWarning", MAIN, ...args];
  return spawnSync(process.execPath, command, { encoding: "utf8", timeout: 20_000 });
}

test("it says how it is used", () => {
  expect(demo("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("Usage: rehandle-guest-demo") });
  expect(demo("--outage", "x")).toMatchObject({ status: 2, stderr: expect.stringContaining("not 'x'") });
});
