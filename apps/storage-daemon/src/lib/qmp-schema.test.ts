import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

test("what is generated from the schema is up to date", () => {
  const cwd = join(import.meta.dirname, "../..");
  const { scripts } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as { scripts: { generate: string } };
  const [, ...args] = scripts.generate.split(" ");
  const { status, stderr } = spawnSync(process.execPath, [...args, "--check"], { cwd, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
