import { spawnSync } from "node:child_process";

/** The Debian packages of the programs that the suites run. */
const packages = { fio: "fio", nbdkit: "nbdkit" } as const;

/** Whether all of them are installed; says aloud which are not. @throws {Error} Under `CI`, if one is not. */
export function haveAll(...names: readonly (keyof typeof packages)[]): boolean {
  const missing = names.filter((name) => spawnSync(name, ["--version"]).status !== 0);
  if (missing.length === 0) return true;
  const text = `${missing.join(", ")} missing: install ${missing.map((name) => packages[name]).join(" ")}`;
  if (process.env["CI"]) throw new Error(text);
  console.warn(`SKIPPED: ${text}`);
  return false;
}
