import type { Measures } from "./results.ts";

/** A number that a micro benchmark printed. */
export interface MicroFigure {
  /** File, section and name: `core/engine-cost: I/O hang on, 4k read`. */
  readonly name: string;
  /** As printed: `ns`, `µs CPU`, `bytes of heap`. */
  readonly unit: string;
  readonly value: number;
}

const figure = /(\d+(?:\.\d+)?) (ns|us|µs|bytes)((?: (?:of )?(?:CPU|wall|heap))?)(?![\w/])/g;

/**
 * Reads the figures in a micro benchmark's output. A line names what it measured either before its first figure or, if there
 * is nothing but numbers, behind its last. Lines without figures are headings of what follows, up to an empty line.
 */
export function parseMicroFigures(source: string, output: string): MicroFigure[] {
  const figures: MicroFigure[] = [];
  let heading = "";
  for (const line of output.split("\n")) {
    const found = [...line.matchAll(figure)];
    const [first] = found;
    const last = found.at(-1);
    if (first === undefined || last === undefined) {
      heading = line.trim();
      continue;
    }
    const before = line.slice(0, first.index).trim();
    const behind = line.slice(last.index + last[0].length).trim();
    const name = (/^[\d.\s]*$/.test(before) ? behind : before).replace(/:$/, "");
    const full = [source, heading, name].filter((part) => part !== "").join(": ");
    for (const [, value = "", unit = "", what = ""] of found) {
      figures.push({ name: full, unit: `${unit}${what}`.replace(/^us/, "µs"), value: Number(value) });
    }
  }
  return figures;
}

/** What the engine adds to a request while nothing is wrong, as measures. */
export function engineMeasures(figures: readonly MicroFigure[]): Measures {
  const valueOf = (ending: string, unit: string): number =>
    figures.find((entry) => entry.name.endsWith(ending) && entry.unit === unit)?.value ?? Number.NaN;
  // What the same driver takes without the engine is not the engine's.
  const added = (unit: string): number =>
    valueOf(": I/O hang on, 4k read", unit) - valueOf(": bare driver, 4k read", unit);
  const [ns, bytes] = [added("ns"), added("bytes of heap")];
  if (Number.isNaN(ns) || Number.isNaN(bytes)) return {};
  return {
    "micro engine, ns added by I/O hang": ns,
    "micro engine, bytes of heap added by I/O hang": Math.max(0, bytes),
  };
}
