/** One whole run: measures what was asked for, prints it, and writes it down. */
import { join } from "node:path";
import type { BenchOptions } from "./bench-options.ts";
import { createStorage, SMALL_DISKS } from "./disks.ts";
import { formatMachine, machineFacts, missingPrograms } from "./machine.ts";
import { engineMeasures } from "./micro-figures.ts";
import * as tables from "./other-tables.ts";
import { publishedDaemon } from "./our-daemon.ts";
import { writeReport, type Findings, type Report } from "./report.ts";
import { exactly, measuresOfCase, spreadOfFigure, type Measures } from "./results.ts";
import { measureParts, others } from "./run-parts.ts";
import { measuresOfScale } from "./scale.ts";
import { stages } from "./stages.ts";
import { targets } from "./targets.ts";
import { formatVerdicts, judge } from "./verdicts.ts";
import { workloads } from "./workloads.ts";
import type { Workshop } from "./workshop.ts";

/** The ids of all that a run with these options measures. */
export function plan({ only, task }: BenchOptions): string[] {
  if (task === "micro") return ["micro"];
  const cases = stages.flatMap(({ id }) =>
    workloads.filter((workload) => workload.stages.includes(id)).map((workload) => `${id}/${workload.id}`),
  );
  return [...cases, ...others].filter((id) => only.test(id));
}

/** @returns Whether ours took part in everything that was measured, without an error. */
export async function runBench(workshop: Workshop, root: string, options: BenchOptions): Promise<boolean> {
  const start = performance.now();
  const node = options.node ?? process.execPath;
  const machine = machineFacts(node);
  console.log(`${formatMachine(machine)}\n`);
  for (const name of missingPrograms(machine)) console.log(`${name} is MISSING: what needs it is left out`);
  const ids = plan(options);
  const size = ids.every((id) => id === "micro" || id === "scale") ? 1 : options.size;
  const smallDisks = ids.some((id) => id.startsWith("exports/")) ? SMALL_DISKS : 0;
  const ours = { node, daemon: options.daemon ?? publishedDaemon };
  const storage = createStorage(workshop.folder, size, smallDisks, ours);
  const findings = await measureParts({ options, workshop, root, storage }, new Set(ids));
  const measures = measuresOf(findings);
  const verdicts = judge(targets, measures);
  console.log(`### targets\n\n${formatVerdicts(verdicts)}`);
  const minutes = (performance.now() - start) / 60_000;
  const report: Report = {
    date: new Date().toISOString(),
    machine,
    settings: settingsOf(options),
    minutes,
    ...findings,
    measures,
    verdicts,
  };
  const folder = options.docs ? join(root, "docs/bench") : (options.out ?? join(root, "bench/results"));
  console.log(`\nWritten after ${minutes.toFixed(1)} minutes: ${writeReport(folder, report).join(", ")}`);
  return withoutFailures(findings);
}

function settingsOf({ rounds, seconds, size, outages, outageSeconds }: BenchOptions): Report["settings"] {
  return { rounds, seconds, sizeMiB: size / 2 ** 20, outages, outageSeconds };
}

function measuresOf({ cases, outages, drain, startUp, scale, micro }: Findings): Measures {
  // What is kept in memory by request does not count.
  const stored = cases.filter(({ id }) => !/^(hang-)?memory\//.test(id));
  const peaks = stored.flatMap(({ subjects }) => subjects.slice(0, 1).map((ours) => spreadOfFigure(ours, "peak").max));
  const peak = Math.max(...peaks.filter(Number.isFinite));
  return {
    ...Object.assign({}, ...cases.map(measuresOfCase)),
    ...(Number.isFinite(peak) ? { "peak memory of ours, MiB": exactly(peak) } : {}),
    ...tables.measuresOfOutages(outages),
    ...(drain === null ? {} : tables.measuresOfDrain(drain)),
    ...tables.measuresOfStartUp(startUp),
    ...measuresOfScale(scale),
    ...engineMeasures(micro),
  };
}

function withoutFailures({ cases, outages, startUp, problems }: Findings): boolean {
  const ours = [...cases.flatMap(({ subjects }) => subjects), ...outages, ...startUp].filter(({ id }) => id === "ours");
  return problems.length === 0 && ours.every(({ problem }) => problem === undefined);
}
