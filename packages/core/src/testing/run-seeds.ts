import { runSimulation } from "../lib/simulation/run-simulation.ts";

/** Set by whoever runs the tests; see the package's README. */
const environment =
  (globalThis as unknown as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {};

/**
 * Runs half of the seeds: `REHANDLE_SIMULATIONS` lives (default 200,000) from `REHANDLE_SEED` (default 1) on. A seed that
 * breaks a promise is reported with its scenario, its events, and the command that runs it alone.
 */
export async function runSeeds(half: 0 | 1): Promise<string> {
  const alone = environment["REHANDLE_SEED"] !== undefined && environment["REHANDLE_SIMULATIONS"] === undefined;
  const count = alone ? 1 : Number(environment["REHANDLE_SIMULATIONS"] ?? 200_000);
  const first = Number(environment["REHANDLE_SEED"] ?? 1);
  // Errors by the hundred thousand need no stack traces.
  const errors = Error as unknown as { stackTraceLimit: number };
  errors.stackTraceLimit = 0;
  for (let seed = first + half; seed < first + count; seed += 2) {
    const report = await runSeed(seed);
    if (report !== "") return report;
  }
  return "";
}

/** What is wrong with the life of this seed, or nothing. */
async function runSeed(seed: number): Promise<string> {
  const { violations, scenario, events } = await runSimulation(seed);
  if (violations.length === 0) return "";
  return [
    `seed ${seed}: ${violations.join("; ")}`,
    `run it alone: REHANDLE_SEED=${seed} npx vitest run packages/core/src/lib/simulation`,
    `scenario: ${JSON.stringify(scenario)}`,
    ...events.map((event) => JSON.stringify(event)),
  ].join("\n");
}
