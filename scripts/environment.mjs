/** Where things are, and the environment that every command of the house runs in. Plain Node 20, no dependencies. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository, without a slash at its end. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

const binFolder = join(root, "node_modules", ".bin");
const installedBins = join("node_modules", ".bin");

/** @type {{ packageManager: string, scripts: Record<string, string> }} */
export const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/**
 * The environment of child processes: the installed tools come first in PATH, and with them the newer Node that
 * development uses, which is a package of the root. Tools are asked to keep their news to themselves.
 */
export const environment = {
  ...process.env,
  PATH: [binFolder, ...searchPath().filter((folder) => folder !== binFolder)].join(delimiter),
  DO_NOT_TRACK: "1",
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  NPM_CONFIG_UPDATE_NOTIFIER: "false",
};

/** The command line of the pnpm that package.json names; npx brings it, so that nobody has to install it. */
export function pnpm(/** @type {string[]} */ ...args) {
  return ["npx", "--yes", manifest.packageManager, ...args];
}

/**
 * The Node of the machine, as users of the published packages have it: the first in PATH that no package brought.
 * @returns {string} Its path.
 */
export function systemNode() {
  const found = searchPath()
    .filter((folder) => !folder.endsWith(sep + installedBins))
    .map((folder) => join(folder, "node"))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error("no node in PATH outside of node_modules/.bin");
  return realpathSync(found);
}

function searchPath() {
  return (process.env.PATH ?? "").split(delimiter);
}
