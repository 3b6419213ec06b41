import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const generator = join(fileURLToPath(import.meta.resolve("@rehandle/qapi")), "../../bin/rehandle-qapi-gen.js");

test("what is generated from the schema is up to date", () => {
  const cwd = join(import.meta.dirname, "../..");
  const args = ["--check", "--name", "Daemon", "-o", "src/lib/generated", "schema/storage-daemon.json"];
  const { status, stderr } = spawnSync(process.execPath, ["--conditions=@rehandle/source", generator, ...args], {
    cwd,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
