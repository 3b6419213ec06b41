import { basename, join } from "node:path";
import { Visitor } from "rolldown/utils";
import { expect, test } from "vitest";
import { workspacePackages } from "../scripts/workspace.mjs";
import { place, readSources, type SourceFile } from "./source-file.ts";

/** Rules of CONTRIBUTING.md that neither the compiler nor the linter can keep. */

const packages = workspacePackages();
const sources = packages.flatMap(({ folder }) => readSources(join(folder, "src")));
const librarySources = packages
  .filter(({ group }) => group === "packages")
  .flatMap(({ folder }) => readSources(join(folder, "src"), "no tests"));

test("there are sources to look at", () => {
  expect(sources.length).toBeGreaterThan(20);
});

test("nobody silences the linter or the compiler", () => {
  const silencers = sources.flatMap((source) =>
    source.comments
      .filter(({ value }) => /^[\s*]*(oxlint-|eslint-|@ts-|biome-|prettier-|oxfmt-)/.test(value))
      .map(({ value, start }) => `${place(source, start)} ${value.trim()}`),
  );
  expect(silencers).toEqual([]);
});

test("index.ts is a list of exports by name, of the package's own files", () => {
  const others = librarySources.filter(({ path }) => basename(path) === "index.ts").flatMap(notAnExportByName);
  expect(others).toEqual([]);
});

test("no barrels inside of lib, and no drawers for odds and ends", () => {
  const unwanted = /\/lib\/(.*\/)?index\.ts$|\/(utils?|misc|helpers?|common)([.-][^/]*)?(\.ts|\/)/;
  expect(sources.map(({ path }) => path).filter((path) => unwanted.test(path))).toEqual([]);
});

test("no library looks at the calendar", () => {
  expect(librarySources.flatMap(readingsOfTheCalendar)).toEqual([]);
});

function notAnExportByName({ path, program }: SourceFile): string[] {
  return program.body
    .filter((node) => node.type !== "ExportNamedDeclaration" || !node.source?.value.startsWith("."))
    .map((node) => `${path}: ${node.type}`);
}

/** `new Date()` and `Date()`; the linter knows `Date.now`. */
function readingsOfTheCalendar(source: SourceFile): string[] {
  const found: string[] = [];
  const take = (node: { callee: { type: string; name?: unknown }; arguments: unknown[]; start: number }): void => {
    if (node.callee.type !== "Identifier" || node.callee.name !== "Date" || node.arguments.length > 0) return;
    found.push(place(source, node.start));
  };
  new Visitor({ NewExpression: take, CallExpression: take }).visit(source.program);
  return found;
}
