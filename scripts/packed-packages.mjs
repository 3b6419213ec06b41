/** Packs the public packages as they would be published, and lays them out as an installation would. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { environment, pnpm, root } from "./environment.mjs";
import { readManifest } from "./workspace.mjs";

/** @typedef {import("./workspace.mjs").WorkspacePackage} WorkspacePackage */

/** @typedef {WorkspacePackage & { tarball: string, files: string[] }} PackedPackage */

/**
 * Packs each package into `destination`.
 * @param {readonly WorkspacePackage[]} packages
 * @param {string} destination
 * @returns {PackedPackage[]}
 */
export function pack(packages, destination) {
  const filters = packages.map(({ manifest }) => `--filter=${manifest.name}`);
  succeed(pnpm("--recursive", ...filters, "pack", "--silent", `--pack-destination=${destination}`));
  return packages.map((entry) => {
    const { manifest } = entry;
    const name = manifest.name.replace("@", "").replace("/", "-");
    const tarball = join(destination, `${name}-${manifest.version}.tgz`);
    const files = succeed(["tar", "-tzf", tarball]).trim().split("\n");
    return { ...entry, tarball, files: files.map((file) => file.replace(/^package\//, "")) };
  });
}

/**
 * Unpacks every tarball into `folder`/node_modules, together with the dependencies that come from elsewhere, which are
 * copied from the workspace's own installation. No registry is asked.
 * @param {readonly PackedPackage[]} packages
 * @param {string} folder
 */
export function layOut(packages, folder) {
  const own = new Set(packages.map(({ manifest }) => manifest.name));
  for (const { folder: source, manifest, tarball } of packages) {
    const target = join(folder, "node_modules", manifest.name);
    mkdirSync(target, { recursive: true });
    succeed(["tar", "-xzf", tarball, "--strip-components=1", "-C", target]);
    for (const name of foreignDependencies(manifest, join(source, "node_modules"))) {
      if (!own.has(name)) copyDependency(name, join(source, "node_modules"), target);
    }
  }
}

/**
 * Copies a dependency, and what it depends on itself, below the package that needs it.
 * @param {string} name
 * @param {string} installed The node_modules folder in which the dependency is found.
 * @param {string} dependent The folder of the package that needs it.
 */
function copyDependency(name, installed, dependent) {
  const source = realpathSync(join(installed, name));
  const target = join(dependent, "node_modules", name);
  cpSync(source, target, { recursive: true });
  const siblings = source.slice(0, -name.length - 1);
  for (const next of foreignDependencies(readManifest(source), siblings)) copyDependency(next, siblings, target);
}

/**
 * What an installation brings besides the package: its dependencies, and those optional ones that exist for this machine.
 * @param {import("./workspace.mjs").Manifest} manifest
 * @param {string} installed
 * @returns {string[]}
 */
function foreignDependencies({ dependencies = {}, optionalDependencies = {} }, installed) {
  const optional = Object.keys(optionalDependencies).filter((name) => existsSync(join(installed, name)));
  return [...new Set([...Object.keys(dependencies), ...optional])];
}

/**
 * Runs a command that has to succeed.
 * @param {readonly string[]} command
 * @param {string} [folder]
 * @returns {string} What it printed.
 */
export function succeed(command, folder = root) {
  const [program = "", ...args] = command;
  const result = spawnSync(program, args, { cwd: folder, env: environment, encoding: "utf8" });
  if (result.status === 0) return result.stdout;
  throw new Error(`${command.join(" ")}: ${result.error?.message ?? result.stderr + result.stdout}`);
}
