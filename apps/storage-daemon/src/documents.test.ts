import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { OPTION_NAMES, OPTIONS } from "./lib/command-options.ts";
import { helpText } from "./lib/usage.ts";
import { generatedDocuments } from "./testing/documents.ts";
import { havePrograms } from "./testing/programs.ts";

test.each(generatedDocuments())("$path is up to date, else: npm run generate:documents", ({ path, text }) => {
  expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(text);
});

test("the manual page is where the package says", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    man: string;
    files: string[];
  };
  expect(manifest.files).toContain("man");
  expect(existsSync(new URL(`../${manifest.man}`, import.meta.url))).toBe(true);
});

test.each([60, 80, 100, 120])("--help fits into %d columns, but for items that are longer", (width) => {
  const tooLong = helpText(width)
    .split("\n")
    .filter((line) => line.length > width && !line.startsWith("    "))
    .filter((line) => /\S [^-]|\S,|\]\[/.test(line.trim().replace(/^--?[a-z-]+ /, "")));
  expect(tooLong).toEqual([]);
});

test("--help is no wider than 120 columns and no narrower than 60", () => {
  expect(helpText(1000)).toBe(helpText(120));
  expect(helpText(1)).toBe(helpText(60));
  expect(helpText()).toBe(helpText(80));
});

test("every option that works is in the help, with the keys of its usage", () => {
  const help = helpText();
  for (const { flag, hidden } of OPTIONS)
    expect(help.includes(`  ${flag}`) || help.includes(`, ${flag} `)).toBe(hidden !== true);
  expect(OPTION_NAMES.map(({ name }) => name)).toContain("daemonize");
  for (const option of OPTIONS) {
    if (!("known" in option)) continue;
    const keys = (option.usages ?? []).flatMap((usage) =>
      [...usage.matchAll(/([a-z.-]+)=/g)].map(([, key]) => key ?? ""),
    );
    expect(keys.filter((key) => key !== "id" && !(key in option.known))).toEqual([]);
  }
});

describe.skipIf(!havePrograms("groff"))("the manual page", () => {
  const [page] = generatedDocuments();

  test.each([80, 100, 120])("is read by groff without a warning, at %d columns", (columns) => {
    const args = ["-man", "-ww", "-Tutf8", "-P-cbou", `-rLL=${columns - 2}n`];
    const { stdout, stderr } = spawnSync("groff", args, { input: page?.text ?? "", encoding: "utf8" });
    expect(stderr).toBe("");
    for (const section of [
      "NAME",
      "SYNOPSIS",
      "DESCRIPTION",
      "OPTIONS",
      "EXAMPLES",
      "EXIT STATUS",
      "SIGNALS",
      "FILES",
    ]) {
      expect(stdout).toContain(`\n${section}\n`);
    }
    expect(stdout).toContain("\n              iohang-timeout=");
    expect(stdout).toContain("source <(rehandle-storage-daemon --completion bash)");
  });
});
