import { readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../scripts/environment.mjs";
import { workspacePackages, type Manifest, type WorkspacePackage } from "../scripts/workspace.mjs";
import { importsOf, readSources } from "./source-file.ts";

const contract = "@rehandle/driver-sdk";

/** What a package may use of this repository when it runs, from the bottom up. Drivers that are not named use the contract. */
const mayUse: Readonly<Record<string, readonly string[]>> = {
  [contract]: [],
  "@rehandle/json": [],
  "@rehandle/options": ["@rehandle/json"],
  "@rehandle/qapi": ["@rehandle/json"],
  "@rehandle/core": [contract],
  "@rehandle/linux-sockets": [],
  "@rehandle/nbd": [contract, "@rehandle/linux-sockets"],
  "@rehandle/driver-nbd": [contract, "@rehandle/linux-sockets", "@rehandle/nbd"],
  "@rehandle/vhost-user": [contract, "@rehandle/virtio-blk"],
};

const all = workspacePackages();
const libraries = all.filter(({ group }) => group !== "apps");
const names = new Set(all.map(({ manifest }) => manifest.name));

describe.for(all)("$manifest.name", (entry) => {
  const { folder, manifest } = entry;

  test("refers to the projects that it depends on, and to no others", () => {
    const used = Object.keys(everyDependency(manifest)).filter((name) => names.has(name));
    expect(referencedPackages(folder).toSorted()).toEqual(used.toSorted());
  });

  test("imports only what its package.json declares", () => {
    expect(undeclaredImports(entry, "no tests", runTimeDependencies(manifest))).toEqual([]);
    expect(undeclaredImports(entry, "tests", everyDependency(manifest))).toEqual([]);
  });
});

describe.for(libraries)("$manifest.name", ({ group, folder, manifest }) => {
  test("uses only what stands below it", () => {
    const used = Object.keys(runTimeDependencies(manifest)).filter((name) => names.has(name));
    const allowed = mayUse[manifest.name] ?? [contract];
    expect(used.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  test("leaves the copy of the contract to whoever installs it", () => {
    expect(manifest.dependencies ?? {}).not.toHaveProperty([contract]);
  });

  test("stays within its own folder by relative imports", () => {
    const outside = readSources(join(folder, "src")).flatMap((source) =>
      importsOf(source).filter(({ what }) => what.startsWith(".") && leaves(join(root, source.path), what, folder)),
    );
    expect(outside, `imports of ${group}`).toEqual([]);
  });
});

function runTimeDependencies(manifest: Manifest): Record<string, string> {
  return { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
}

function everyDependency(manifest: Manifest): Record<string, string> {
  return { ...manifest.devDependencies, ...runTimeDependencies(manifest) };
}

function undeclaredImports(
  { folder, manifest }: WorkspacePackage,
  files: "tests" | "no tests",
  declared: Record<string, string>,
): string[] {
  return readSources(join(folder, "src"), files)
    .flatMap((source) => importsOf(source))
    .filter(({ what }) => !/^(\.|node:)/.test(what))
    .filter(({ what }) => packageName(what) !== manifest.name && !Object.hasOwn(declared, packageName(what)))
    .map(({ at, what }) => `${at} imports ${what}`);
}

/** `@scope/name/subpath` → `@scope/name`. */
function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function leaves(path: string, specifier: string, folder: string): boolean {
  return relative(folder, join(dirname(path), specifier)).startsWith(`..${sep}`);
}

/** The names of the packages that tsconfig.json refers to. */
function referencedPackages(folder: string): string[] {
  const config = JSON.parse(readFileSync(join(folder, "tsconfig.json"), "utf8")) as { references?: { path: string }[] };
  return (config.references ?? []).map(({ path }) => {
    const target = all.find((entry) => entry.folder === join(folder, path));
    return target?.manifest.name ?? path;
  });
}
