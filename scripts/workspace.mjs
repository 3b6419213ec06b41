/** What the workspace consists of, read from its folders. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./environment.mjs";

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {Record<string, Record<string, string>>} [exports]
 * @property {Record<string, string>} [bin]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 */

/** @typedef {"packages" | "apps" | "examples"} Group */

/** @typedef {{ group: Group, folder: string, manifest: Manifest }} WorkspacePackage */

/** @type {readonly Group[]} */
const groups = ["packages", "apps", "examples"];

/**
 * @param {string} folder
 * @returns {Manifest}
 */
export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/**
 * Every package, app and example.
 * @returns {WorkspacePackage[]}
 */
export function workspacePackages() {
  return groups.flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(root, group, name))
      .filter((folder) => existsSync(join(folder, "package.json")))
      .map((folder) => ({ group, folder, manifest: readManifest(folder) })),
  );
}

/** Those that are published. */
export function publicPackages() {
  return workspacePackages().filter(({ manifest }) => manifest.private !== true);
}
