const LEVELS = " ▁▂▃▄▅▆▇█";

/** One character for each value, the higher the more; `most` is a full block, and what is not 0 is never blank. */
export function bars(values: readonly number[], most: number): string {
  return values.map((value) => LEVELS.charAt(level(value, most))).join("");
}

function level(value: number, most: number): number {
  if (!(value > 0) || !(most > 0)) return 0;
  return Math.min(8, Math.max(1, Math.round((8 * value) / most)));
}
