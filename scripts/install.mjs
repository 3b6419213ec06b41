/** Installs the workspace's packages when they are missing or the lockfile is not the one that was installed last. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pnpm, root } from "./environment.mjs";
import { run } from "./steps.mjs";

const stamp = join(root, "node_modules", ".installed-lockfile");

/** @returns {Promise<number>} pnpm's exit code, 0 if nothing had to be done. */
export async function install() {
  const wanted = lockfileHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    console.log("The lockfile is the one that was installed last.");
    return 0;
  }
  const code = await run(pnpm("install", "--frozen-lockfile"));
  if (code === 0) writeFileSync(stamp, wanted);
  return code;
}

function lockfileHash() {
  const hash = createHash("sha256");
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
