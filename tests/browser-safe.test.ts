import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, Script } from "node:vm";
import { rolldown, type OutputChunk } from "rolldown";
import { expect, test } from "vitest";
import { readManifest } from "../scripts/workspace.mjs";

/** Subpaths that only a test run uses: they need vitest. */
const forTestRuns = new Set(["@rehandle/driver-sdk/conformance"]);

const entries = browserSafeFolders().flatMap((folder) => {
  const { name, exports = {} } = readManifest(folder);
  return Object.entries(exports)
    .map(([subpath, targets]) => ({
      name: name + subpath.slice(1),
      path: join(folder, targets["@rehandle/source"] ?? ""),
    }))
    .filter((entry) => !forTestRuns.has(entry.name));
});

test("there are packages to look at", () => {
  expect(entries.length).toBeGreaterThanOrEqual(5);
});

test.for(entries)("$name is bundled for a browser with nothing left outside", async ({ path }) => {
  const chunk = await bundle(path);
  expect(chunk.imports).toEqual([]);
  expect(chunk.dynamicImports).toEqual([]);
});

test.for(entries)("$name runs where there is nothing but the language", async ({ path }) => {
  const chunk = await bundle(path);
  // A context of its own has neither process, Buffer, timers, URL nor console.
  const found: unknown = new Script(`${chunk.code}\nentry`).runInContext(createContext({}));
  expect(Object.keys(found ?? {}).length).toBeGreaterThan(0);
});

/** One script that leaves the entry's exports in the variable `entry`. */
async function bundle(input: string): Promise<OutputChunk> {
  const build = await rolldown({
    input,
    platform: "browser",
    resolve: { conditionNames: ["@rehandle/source", "browser", "import", "default"] },
    onLog(_level, log) {
      throw new Error(log.message);
    },
  });
  const { output } = await build.generate({ format: "iife", name: "entry", exports: "named" });
  await build.close();
  expect(output).toHaveLength(1);
  return output[0];
}

/** The folders that the configuration beside this file compiles without the types of a host. */
function browserSafeFolders(): string[] {
  const text = readFileSync(join(import.meta.dirname, "browser-safe.tsconfig.json"), "utf8");
  const withoutComments = text.replaceAll(/^\/\/.*$/gm, "");
  const { include } = JSON.parse(withoutComments) as { include: string[] };
  return include.map((path) => join(import.meta.dirname, path, ".."));
}
