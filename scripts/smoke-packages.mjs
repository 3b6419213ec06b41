/** Tries the packed packages on the machine's own Node, as a user would who installed them. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "rolldown/utils";
import { systemNode } from "./environment.mjs";
import { succeed } from "./packed-packages.mjs";
import { findExamples } from "./readme-examples.mjs";
import { readManifest } from "./workspace.mjs";

/** @typedef {import("./packed-packages.mjs").PackedPackage} PackedPackage */

/** Longest time for one program, ms. */
const timeout = 60_000;

/**
 * Imports every export, starts every bin with --help, and runs the examples of the READMEs, all in `folder`.
 * @param {readonly PackedPackage[]} packages
 * @param {string} folder Where `layOut` put the packages.
 * @returns {string[]} What went wrong.
 */
export function smoke(packages, folder) {
  const node = systemNode();
  const problems = [];
  console.log(`On the machine's own Node ${succeed([node, "--version"]).trim()}:`);
  for (const entry of packages) {
    const tries = [...importsOf(entry, folder), ...binsOf(entry, folder), ...examplesOf(entry, folder)];
    const failed = tries.map((attempt) => attemptFailure(node, attempt, folder)).filter((text) => text !== null);
    problems.push(...failed);
    console.log(`  ${entry.manifest.name}: ${tries.length - failed.length} of ${tries.length} tries succeeded`);
  }
  return problems;
}

/** @typedef {{ what: string, args: string[], optionalPeers: string[] }} Attempt */

/**
 * An import for each subpath.
 * @param {PackedPackage} entry
 * @param {string} folder
 * @returns {Attempt[]}
 */
function importsOf({ manifest }, folder) {
  const optionalPeers = Object.keys(manifest.peerDependenciesMeta ?? {});
  const packed = readManifest(join(folder, "node_modules", manifest.name));
  return Object.keys(packed.exports ?? {}).map((subpath) => {
    const name = manifest.name + subpath.slice(1);
    const code = `const found = await import(${JSON.stringify(name)}); if (Object.keys(found).length === 0) throw new Error("it exports nothing");`;
    return { what: `import of ${name}`, args: ["--input-type=module", "--eval", code], optionalPeers };
  });
}

/**
 * @param {PackedPackage} entry
 * @param {string} folder
 * @returns {Attempt[]}
 */
function binsOf({ manifest }, folder) {
  return Object.entries(manifest.bin ?? {}).map(([name, path]) => ({
    what: `${name} --help`,
    args: [join(folder, "node_modules", manifest.name, path), "--help"],
    optionalPeers: [],
  }));
}

/**
 * The README's examples as JavaScript, since the oldest Node that is supported does not strip types.
 * @param {PackedPackage} entry
 * @param {string} folder
 * @returns {Attempt[]}
 */
function examplesOf({ folder: source, manifest }, folder) {
  const readme = join(source, "README.md");
  if (!existsSync(readme)) return [];
  return findExamples(readFileSync(readme, "utf8")).map(({ code, line }) => {
    const path = join(folder, `${manifest.name.replace(/\W+/g, "-")}-${line}.mjs`);
    writeFileSync(path, transformSync("example.ts", code).code);
    return { what: `README of ${manifest.name}, line ${line}`, args: [path], optionalPeers: [] };
  });
}

/**
 * @param {string} node
 * @param {Attempt} attempt
 * @param {string} folder
 * @returns {string | null} Null if it went well.
 */
function attemptFailure(node, { what, args, optionalPeers }, folder) {
  const result = spawnSync(node, args, { cwd: folder, encoding: "utf8", timeout, input: "" });
  if (result.status === 0) return null;
  const absent = optionalPeers.find((peer) => result.stderr.includes(`Cannot find package '${peer}'`));
  if (absent !== undefined) {
    console.log(`  ${what}: left out, it needs ${absent}, which is an optional peer`);
    return null;
  }
  return `${what}: ${result.error?.message ?? result.stderr}`;
}
