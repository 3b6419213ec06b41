import { exactly, type Measures } from "./results.ts";

/** A number that a micro benchmark printed. */
export interface MicroFigure {
  /** Program and what it measured: `core/engine-cost: I/O hang on, 4k read`. */
  readonly name: string;
  readonly unit: "ns" | "bytes of heap";
  readonly value: number;
}

/** `name   123.4 ns   0.46 bytes of heap`; the heap may be left out. */
const line = /^(\S.*?) +(\d+(?:\.\d+)?) ns(?: +(\d+(?:\.\d+)?) bytes of heap)?$/;

/** Reads the figures in a micro benchmark's output; lines of another form are notes. @throws {Error} If there are none. */
export function parseMicroFigures(source: string, output: string): MicroFigure[] {
  const figures = output.split("\n").flatMap((text): MicroFigure[] => {
    const [, what = "", ns, bytes] = line.exec(text) ?? [];
    const name = `${source}: ${what}`;
    if (ns === undefined) return [];
    const time: MicroFigure = { name, unit: "ns", value: Number(ns) };
    return bytes === undefined ? [time] : [time, { name, unit: "bytes of heap", value: Number(bytes) }];
  });
  if (figures.length === 0) throw new Error(`${source} printed no figures: ${output.trim()}`);
  return figures;
}

/** What the engine adds to a read and to a write while nothing is wrong, the greater of both, as measures. */
export function engineMeasures(figures: readonly MicroFigure[]): Measures {
  const valueOf = (what: string, unit: MicroFigure["unit"]): number =>
    figures.find((entry) => entry.name === `core/engine-cost: ${what}` && entry.unit === unit)?.value ?? Number.NaN;
  // What the same driver takes without the engine is not the engine's.
  const added = (unit: MicroFigure["unit"]): number =>
    Math.max(
      ...["4k read", "4k write"].map(
        (work) => valueOf(`I/O hang on, ${work}`, unit) - valueOf(`bare driver, ${work}`, unit),
      ),
    );
  const [ns, bytes] = [added("ns"), added("bytes of heap")];
  if (Number.isNaN(ns) || Number.isNaN(bytes)) return {};
  return {
    "micro engine, ns added by I/O hang": exactly(ns),
    "micro engine, bytes of heap added by I/O hang": exactly(Math.max(0, bytes)),
  };
}
