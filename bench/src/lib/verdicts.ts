import type { Measures } from "./results.ts";
import type { Estimate } from "./statistics.ts";
import { formatNumber, formatTable } from "./table.ts";
import type { Target } from "./targets.ts";

/** Too close: the bound is among the values between which the measure truly is. */
const CLOSE = "not to be told apart";

type Outcome = "reached" | "missed" | typeof CLOSE | "not measured";

export interface Verdict extends Target {
  /** Null if the run did not measure it. */
  readonly estimate: Estimate | null;
  readonly outcome: Outcome;
}

/** Holds the measures of a run against the targets. */
export function judge(targets: readonly Target[], measures: Measures): Verdict[] {
  return targets.map((target) => {
    const estimate = measures[target.measure] ?? null;
    return { ...target, estimate, outcome: estimate === null ? "not measured" : outcomeOf(target, estimate) };
  });
}

function outcomeOf({ atLeast = -Infinity, atMost = Infinity }: Target, { low, high }: Estimate): Outcome {
  if (low >= atLeast && high <= atMost) return "reached";
  return high < atLeast || low > atMost ? "missed" : CLOSE;
}

/** The targets that were measured as a table, and a line that counts. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const count = (outcome: Outcome): number => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const judged = verdicts.length - count("not measured");
  const counts = [
    `${count("reached")} of ${judged} targets reached`,
    `${count("missed")} missed`,
    `${count(CLOSE)} ${CLOSE}`,
    `${count("not measured")} not measured`,
  ].join(", ");
  const rows = verdicts.flatMap(({ measure, estimate, atLeast, atMost, outcome }) => {
    if (estimate === null) return [];
    const wanted = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
    return [[measure, formatEstimate(estimate), wanted, outcome === "missed" ? "MISSED" : outcome]];
  });
  if (rows.length === 0) return counts;
  return `${formatTable(["target", "measured", "wanted", "outcome"], rows)}\n\n${counts}`;
}

/** With the ends of its interval, if it has one. */
function formatEstimate({ value, low, high }: Estimate): string {
  const text = formatNumber(value);
  return low === high ? text : `${text} (${formatNumber(low)}–${formatNumber(high)})`;
}
