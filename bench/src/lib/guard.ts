/** The micro benchmarks of the work tree against those of a base commit, in turns. */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BenchOptions } from "./bench-options.ts";
import { compareRounds, formatComparisons, type Comparison, type Round } from "./guard-verdicts.ts";
import { findMicroBenchmarks, runMicroBenchmark, type MicroBenchmark } from "./micro.ts";
import type { Workshop } from "./workshop.ts";

/** How long an installation may take, s. */
const INSTALLATION = 300;

/**
 * Checks the base commit out beside the work tree, installs it, and runs the micro benchmarks of the work tree on both: the
 * same program on two states of the packages. One that the base cannot run is named and left out; one that the work tree cannot
 * run, or nothing to compare, fails the guard.
 * @returns Whether something was compared, and nothing became dearer.
 */
export async function guard(workshop: Workshop, root: string, options: BenchOptions): Promise<boolean> {
  const base = join(workshop.folder, "base");
  await workshop.run(["git", "-C", root, "worktree", "add", "--quiet", "--detach", base, options.base]);
  try {
    await install(workshop, base);
    const comparisons: Comparison[] = [];
    let broken = 0;
    for (const benchmark of findMicroBenchmarks(root, options.only)) {
      console.error(benchmark.name);
      try {
        await runMicroBenchmark(workshop, root, benchmark);
        comparisons.push(...(await compare(workshop, root, base, benchmark, options)));
      } catch (error) {
        broken += 1;
        console.log(`${benchmark.name} FAILED: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    console.log(formatComparisons(comparisons));
    return broken === 0 && comparisons.length > 0 && comparisons.every(({ dearer }) => !dearer);
  } finally {
    await workshop.run(["git", "-C", root, "worktree", "remove", "--force", base]);
  }
}

async function compare(
  workshop: Workshop,
  root: string,
  base: string,
  benchmark: MicroBenchmark,
  { rounds, tolerance }: BenchOptions,
): Promise<Comparison[]> {
  if (!existsSync(join(base, benchmark.path, "../../src"))) {
    console.log(`${benchmark.name}: the base commit has no such package`);
    return [];
  }
  mkdirSync(dirname(join(base, benchmark.path)), { recursive: true });
  copyFileSync(join(root, benchmark.path), join(base, benchmark.path));
  const results: Round[] = [];
  try {
    // What seems dearer has to stay so in as many rounds again.
    for (let round = 0; round < rounds * 2; round += 1) {
      if (round === rounds && compareRounds(results, tolerance).every(({ dearer }) => !dearer)) break;
      const first = await runMicroBenchmark(workshop, round % 2 === 0 ? base : root, benchmark);
      const second = await runMicroBenchmark(workshop, round % 2 === 0 ? root : base, benchmark);
      results.push(round % 2 === 0 ? { base: first, now: second } : { base: second, now: first });
    }
  } catch (error) {
    console.log(`${benchmark.name}: cannot be compared: ${error instanceof Error ? error.message : String(error)}`);
  }
  return compareRounds(results, tolerance);
}

/** Installs a work tree's packages with the pnpm that its package.json names; what was downloaded before is used again. */
async function install(workshop: Workshop, folder: string): Promise<void> {
  const script = "const { pnpm } = await import(process.argv[1]); console.log(JSON.stringify(pnpm()));";
  const environment = join(folder, "scripts/environment.mjs");
  const pnpm = await workshop.run([process.execPath, "--input-type=module", "--eval", script, environment]);
  const command = JSON.parse(pnpm) as string[];
  await workshop.run([...command, "--dir", folder, "install", "--frozen-lockfile", "--prefer-offline"], INSTALLATION);
}
