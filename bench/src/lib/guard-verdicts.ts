import type { MicroFigure } from "./micro-figures.ts";
import { median } from "./statistics.ts";
import { formatNumber, formatTable } from "./table.ts";

/** A figure now and in the base commit. */
export interface Comparison {
  readonly name: string;
  readonly unit: string;
  readonly base: number;
  readonly now: number;
  /** Median of now divided by base, round by round. */
  readonly ratio: number;
  readonly dearer: boolean;
}

/** Figures of one round of the same program. */
export interface Round {
  readonly base: readonly MicroFigure[];
  readonly now: readonly MicroFigure[];
}

/** Bytes per request that a heap may differ by: a quotient of next to nothing says nothing. */
const HEAP_TOLERANCE = 2;

/**
 * Compares what was measured in turns, by the ratio of each round, so that a slow or busy machine does not matter. A figure
 * is dearer if the median of its ratios is, and if it was greater in every round.
 * @param tolerance By how much a figure may be dearer, as a fraction.
 */
export function compareRounds(rounds: readonly Round[], tolerance: number): Comparison[] {
  const [first] = rounds;
  const keys = (first?.now ?? []).map(({ name, unit }) => ({ name, unit }));
  return keys.flatMap(({ name, unit }) => {
    const valueIn = (figures: readonly MicroFigure[]): number =>
      figures.find((entry) => entry.name === name && entry.unit === unit)?.value ?? Number.NaN;
    const pairs = rounds
      .map(({ base, now }) => ({ base: valueIn(base), now: valueIn(now) }))
      .filter((pair) => !Number.isNaN(pair.base) && !Number.isNaN(pair.now));
    if (pairs.length === 0) return [];
    const base = median(pairs.map((pair) => pair.base));
    const now = median(pairs.map((pair) => pair.now));
    const ratios = pairs.map((pair) => pair.now / pair.base).filter(Number.isFinite);
    const ratio = median(ratios);
    const slower = ratio > 1 + tolerance && ratios.every((one) => one > 1);
    const dearer = unit.startsWith("bytes") ? now > base + HEAP_TOLERANCE : slower;
    return [{ name, unit, base, now, ratio, dearer }];
  });
}

export function formatComparisons(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ name, unit, base, now, ratio, dearer }) => [
    name,
    unit,
    ...[base, now, ratio].map(formatNumber),
    dearer ? "DEARER" : "",
  ]);
  const dearer = comparisons.filter((comparison) => comparison.dearer).length;
  const count = `${comparisons.length} figures compared, ${dearer} dearer than in the base commit`;
  return `${formatTable(["micro benchmark", "unit", "base", "now", "now / base", ""], rows)}\n\n${count}`;
}
