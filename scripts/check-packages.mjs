/** Checks the public packages as they would be published: contents, publint, are-the-types-wrong, and a try on the machine's Node. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { environment, root } from "./environment.mjs";
import { layOut, pack } from "./packed-packages.mjs";
import { smoke } from "./smoke-packages.mjs";
import { publicPackages } from "./workspace.mjs";

/** @typedef {import("./packed-packages.mjs").PackedPackage} PackedPackage */

const temporary = mkdtempSync(join(tmpdir(), "packed-"));
try {
  const problems = await check(temporary);
  for (const problem of problems) console.error(`\n${problem}`);
  console.log(`\n${problems.length === 0 ? "No" : problems.length} problems with the packages`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

/** @param {string} folder */
async function check(folder) {
  const tarballs = join(folder, "tarballs");
  const installed = join(folder, "installed");
  mkdirSync(tarballs);
  mkdirSync(installed);
  const packages = pack(publicPackages(), tarballs);
  const problems = packages.flatMap(contentProblems);
  for (const entry of packages) problems.push(...(await publintProblems(entry)));
  problems.push(...packages.flatMap(typeProblems));
  layOut(packages, installed);
  return [...problems, ...smoke(packages, installed)];
}

/** @param {PackedPackage} entry */
function contentProblems({ manifest, files }) {
  const missing = ["LICENSE", "README.md", "dist/index.js", "dist/index.d.ts"].filter((file) => !files.includes(file));
  // A package may publish helpers for others' tests, as a subpath; what its own tests need stays at home.
  const published = manifest.exports?.["./testing"] !== undefined ? /^(dist|src)\/testing\// : /^$/;
  const unwanted = files.filter(
    (file) => /\.test\.|\/testing\/|\.tsbuildinfo$|\.readme-/.test(file) && !published.test(file),
  );
  return [
    ...missing.map((file) => `${manifest.name}: ${file} is missing in the tarball`),
    ...unwanted.map((file) => `${manifest.name}: ${file} does not belong into the tarball`),
  ];
}

/** @param {PackedPackage} entry */
async function publintProblems({ manifest, tarball }) {
  // Copied, because a small file's buffer is a part of a larger one.
  const bytes = new Uint8Array(readFileSync(tarball)).buffer;
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
  return messages.map((message) => `${manifest.name}: publint ${message.type}: ${formatMessage(message, pkg)}`);
}

/** @param {PackedPackage} entry */
function typeProblems({ manifest, tarball }) {
  const args = ["--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji", tarball];
  const result = spawnSync("attw", args, { cwd: root, env: environment, encoding: "utf8" });
  return result.status === 0 ? [] : [`${manifest.name}: attw:\n${result.stdout}${result.stderr}`];
}
