/** The least, the middle and the greatest of some values. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** The middle value; the mean of the two in the middle if their number is even. NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half] ?? Number.NaN;
  return ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2;
}

/** The nearest-rank percentile: the least value that at least `percent` of 100 of the values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(0, rank - 1)] ?? Number.NaN;
}

/** NaN throughout if there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { min: Number.NaN, median: Number.NaN, max: Number.NaN };
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/** A number, and between which two it truly is. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How sure an estimate is to have the truth between its ends. */
const CONFIDENCE = 0.95;

/**
 * The median, and the narrowest pair of values, counted from both ends, that have the median of all such values between them
 * with 95 % confidence, whatever their distribution (order statistics of the sign test). Fewer than six values cannot be that
 * sure: the least and the greatest of five are with 94 %.
 */
export function estimateMedian(values: readonly number[]): Estimate {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let rank = 0;
  /** How likely exactly `rank` of the values are below the median of all such values, and how likely no more are. */
  let exactly = 2 ** -count;
  let atMost = exactly;
  for (;;) {
    exactly *= (count - rank) / (rank + 1);
    if (!(atMost + exactly <= (1 - CONFIDENCE) / 2)) break;
    atMost += exactly;
    rank += 1;
  }
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { value: median(sorted), low: at(rank), high: at(count - 1 - rank) };
}

/**
 * Quotients of what was measured next to each other: the first of `ours` by the first of `theirs`, and so on. What slowed
 * the machine down for a while slowed down both, so these say more than the quotient of two medians.
 */
export function pairRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  const pairs = Math.min(ours.length, theirs.length);
  return Array.from({ length: pairs }, (_, at) => (ours[at] ?? 0) / (theirs[at] ?? 0)).filter(Number.isFinite);
}
