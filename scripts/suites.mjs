/** Runs vitest and counts. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./steps.mjs";

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @type {Counts} */
let counts = { passed: 0, failed: 0, skipped: 0 };

/** @returns {Promise<number>} vitest's exit code. */
export async function runSuites() {
  const folder = mkdtempSync(join(tmpdir(), "suites-"));
  const report = join(folder, "report.json");
  try {
    const code = await run(["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`]);
    if (existsSync(report)) counts = countTests(JSON.parse(readFileSync(report, "utf8")));
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Counts the tests in vitest's JSON report. A file that failed outside of its tests counts as one that failed.
 * @param {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} report
 * @returns {Counts}
 */
export function countTests({ testResults }) {
  const result = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of testResults) {
    const failedBefore = result.failed;
    for (const test of assertionResults) {
      if (test.status === "passed") result.passed += 1;
      else if (test.status === "failed") result.failed += 1;
      else result.skipped += 1;
    }
    if (status === "failed" && result.failed === failedBefore) result.failed += 1;
  }
  return result;
}

/**
 * The last line of a run: the suites' tests, and every other step as one.
 * @param {readonly { name: string, code: number }[]} results
 * @param {Counts} [tests]
 */
export function countLine(results, tests = counts) {
  let { passed, failed } = tests;
  for (const { name, code } of results) {
    // The suites' own failure shows in their tests, unless vitest itself fell over.
    if (name === "suites") failed += code !== 0 && tests.failed === 0 ? 1 : 0;
    else if (code === 0) passed += 1;
    else failed += 1;
  }
  const skipped = tests.skipped === 0 ? "" : `, ${tests.skipped} skipped`;
  return `${passed} passed, ${failed} failed${skipped}`;
}
