/** Runs the micro benchmarks of the packages: programs in `packages/<name>/bench` that print how long something takes. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseMicroFigures, type MicroFigure } from "./micro-figures.ts";
import type { Workshop } from "./workshop.ts";

/** Programs in those folders that are none: they move data between processes or through files, or look for mistakes. */
const notMicro = /\/(throughput|compare-.*|memory-server|front-end|soak|hostile-text|fuzz-.*)$/;

/** Seconds after which a program has to be done. */
const LIMIT = 300;

export interface MicroBenchmark {
  /** Package and program, `core/engine-cost`. */
  readonly name: string;
  /** Its source, relative to the repository's folder. */
  readonly path: string;
}

/** Those of a work tree whose name matches. */
export function findMicroBenchmarks(root: string, only: RegExp = /./): MicroBenchmark[] {
  return readdirSync(join(root, "packages"))
    .toSorted()
    .flatMap((folder) => {
      const bench = join(root, "packages", folder, "bench");
      if (!existsSync(bench)) return [];
      const programs = readdirSync(bench).filter((file) => file.endsWith(".ts"));
      return programs.map((file) => ({
        name: `${folder}/${file.slice(0, -3)}`,
        path: `packages/${folder}/bench/${file}`,
      }));
    })
    .filter(({ name }) => !notMicro.test(name) && only.test(name));
}

/** Runs one from source. @throws {Error} (as a rejection) If it fails. */
export async function runMicroBenchmark(
  workshop: Workshop,
  root: string,
  { name, path }: MicroBenchmark,
): Promise<MicroFigure[]> {
  const command = [process.execPath, "--expose-gc", "--conditions=@rehandle/source", join(root, path)];
  return parseMicroFigures(name, await workshop.run(command, LIMIT));
}
