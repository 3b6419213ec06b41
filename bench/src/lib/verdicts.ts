import type { Measures } from "./results.ts";
import { formatNumber, formatTable } from "./table.ts";
import type { Target } from "./targets.ts";

export interface Verdict extends Target {
  /** Null if the run did not measure it. */
  readonly value: number | null;
  readonly reached: boolean;
}

/** Holds the measures of a run against the targets. */
export function judge(targets: readonly Target[], measures: Measures): Verdict[] {
  return targets.map((target) => {
    const value = measures[target.measure] ?? null;
    const reached = value !== null && value >= (target.atLeast ?? -Infinity) && value <= (target.atMost ?? Infinity);
    return { ...target, value, reached };
  });
}

/** The targets that were measured as a table, and a line that counts. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const judged = verdicts.filter(({ value }) => value !== null);
  const reached = judged.filter((verdict) => verdict.reached).length;
  const count = `${reached} of ${judged.length} targets reached, ${verdicts.length - judged.length} not measured`;
  if (judged.length === 0) return count;
  const rows = judged.map((verdict) => [
    verdict.measure,
    formatNumber(verdict.value ?? undefined),
    verdict.atLeast === undefined ? `≤ ${verdict.atMost}` : `≥ ${verdict.atLeast}`,
    verdict.reached ? "yes" : "NO",
  ]);
  return `${formatTable(["target", "measured", "wanted", "reached"], rows)}\n\n${count}`;
}
