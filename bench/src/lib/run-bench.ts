/** One whole run: measures what was asked for, prints it, and writes it down. */
import { join } from "node:path";
import type { BenchOptions } from "./bench-options.ts";
import { formatCase } from "./case-table.ts";
import { createStorage, SMALL_DISKS, type Storage } from "./disks.ts";
import { measureDrain } from "./drain.ts";
import { formatMachine, machineFacts, missingPrograms } from "./machine.ts";
import { engineMeasures, type MicroFigure } from "./micro-figures.ts";
import { findMicroBenchmarks, runMicroBenchmark } from "./micro.ts";
import * as tables from "./other-tables.ts";
import { publishedDaemon } from "./our-daemon.ts";
import { measureOutages, type OutageResult } from "./outages.ts";
import { writeReport, type Findings, type Report } from "./report.ts";
import { measuresOfCase, spreadOfFigure, type CaseResult, type Measures } from "./results.ts";
import { runCase } from "./run-case.ts";
import { formatScale, measureScale, measuresOfScale } from "./scale.ts";
import { stages } from "./stages.ts";
import { measureStartUp, type StartUpResult } from "./start-up.ts";
import type { Stage } from "./subject.ts";
import { targets } from "./targets.ts";
import { formatVerdicts, judge } from "./verdicts.ts";
import { workloads } from "./workloads.ts";
import type { Workshop } from "./workshop.ts";

/** What each part of a run is given. */
interface Run {
  readonly options: BenchOptions;
  readonly workshop: Workshop;
  readonly root: string;
  readonly storage: Storage;
}

/** Ids of what is not a case, in order. */
const others = ["recovery", "drain", "start-up", "scale", "micro"] as const;

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
  const node = options.node ?? process.execPath;
  const machine = machineFacts(node);
  const { rounds, seconds, outages, outageSeconds } = options;
  const settings = { rounds, seconds, sizeMiB: options.size / 2 ** 20, outages, outageSeconds };
  console.log(`${formatMachine(machine)}\n`);
  for (const name of missingPrograms(machine)) console.log(`${name} is MISSING: what needs it is left out`);
  const ids = plan(options);
  const size = ids.every((id) => id === "micro" || id === "scale") ? 1 : options.size;
  const smallDisks = ids.some((id) => id.startsWith("exports/")) ? SMALL_DISKS : 0;
  const storage = createStorage(workshop.folder, size, smallDisks, { node, daemon: options.daemon ?? publishedDaemon });
  const findings = await measure({ options, workshop, root, storage }, new Set(ids));
  const measures = measuresOf(findings);
  const verdicts = judge(targets, measures);
  console.log(`### targets\n\n${formatVerdicts(verdicts)}`);
  const report: Report = { date: new Date().toISOString(), machine, settings, ...findings, measures, verdicts };
  const folder = options.docs ? join(root, "docs/bench") : (options.out ?? join(root, "bench/results"));
  console.log(`\nWritten: ${writeReport(folder, report).join(", ")}`);
  return withoutFailures(findings);
}

async function measure(run: Run, ids: ReadonlySet<string>): Promise<Findings> {
  const { options, workshop, storage } = run;
  const cases: CaseResult[] = [];
  for (const stage of stages) cases.push(...(await measureStage(run, stage, ids)));
  const outages = ids.has("recovery") ? await measureRecovery(run) : [];
  const drain = ids.has("drain") ? await measureDrain(workshop, storage) : null;
  if (drain !== null) console.log(`${tables.formatDrain(drain)}\n`);
  const startUp = ids.has("start-up") ? await measureStarts(run) : [];
  if (ids.has("scale")) progress("scale");
  const scale = ids.has("scale") ? await measureScale(workshop, options.rounds) : [];
  if (scale.length > 0) console.log(`${formatScale(scale)}\n`);
  const micro = ids.has("micro") ? await measureMicro(run, options.task === "micro" ? options.only : /./) : [];
  return { cases, outages, drain, startUp, scale, micro };
}

async function measureStage(run: Run, stage: Stage, ids: ReadonlySet<string>): Promise<CaseResult[]> {
  const { workshop, storage, options } = run;
  const results: CaseResult[] = [];
  for (const workload of workloads.filter((entry) => entry.stages.includes(stage.id))) {
    const id = `${stage.id}/${workload.id}`;
    if (!ids.has(id)) continue;
    const say = (text: string): void => progress(`${id}: ${text}`);
    const result = await runCase(workshop, storage, withPeers(stage, options), workload, { ...options, say });
    progress("");
    console.log(`${formatCase(result)}\n`);
    results.push(result);
  }
  return results;
}

/** One proxy after another: a burst of another one's retries would be in the way of the first completion. */
async function measureRecovery({ workshop, storage, options }: Run): Promise<OutageResult[]> {
  const stage = stages.find(({ id }) => id === "proxy");
  const subjects = stage === undefined ? [] : withPeers(stage, options).subjects;
  const holding = subjects.filter(({ id }) => id !== "ours-off" && id !== "ours-bare");
  const settings = { outages: options.outages, seconds: options.outageSeconds };
  progress(`recovery: ${settings.outages} outages of ${settings.seconds} s`);
  const results: OutageResult[] = [];
  for (const subject of holding) results.push(await measureOutages(workshop, storage, subject, settings));
  progress("");
  console.log(`${tables.formatOutages(results, settings.seconds)}\n`);
  return results;
}

async function measureStarts({ workshop, storage, options }: Run): Promise<StartUpResult[]> {
  const stage = stages.find(({ id }) => id === "file");
  const subjects = stage === undefined ? [] : withPeers(stage, options).subjects;
  progress("start-up");
  const results = await measureStartUp(workshop, storage, subjects, options.rounds);
  progress("");
  console.log(`${tables.formatStartUp(results)}\n`);
  return results;
}

async function measureMicro({ workshop, root }: Run, only: RegExp): Promise<MicroFigure[]> {
  const figures: MicroFigure[] = [];
  for (const benchmark of findMicroBenchmarks(root, only)) {
    progress(benchmark.name);
    figures.push(...(await runMicroBenchmark(workshop, root, benchmark)));
  }
  progress("");
  console.log(`${tables.formatMicro(figures)}\n`);
  return figures;
}

/** A stage with ours and the peers that were asked for. */
function withPeers(stage: Stage, { peers }: BenchOptions): Stage {
  return { ...stage, subjects: stage.subjects.filter(({ id }) => id === "ours" || peers.test(id)) };
}

function measuresOf({ cases, outages, drain, startUp, scale, micro }: Findings): Measures {
  // What is kept in memory by request does not count.
  const stored = cases.filter(({ id }) => !id.startsWith("memory/"));
  const peaks = stored.flatMap(({ subjects }) => subjects.slice(0, 1).map((ours) => spreadOfFigure(ours, "peak").max));
  return {
    ...Object.assign({}, ...cases.map(measuresOfCase)),
    ...(peaks.length === 0 ? {} : { "peak memory of ours, MiB": Math.max(...peaks) }),
    ...tables.measuresOfOutages(outages),
    ...(drain === null ? {} : tables.measuresOfDrain(drain)),
    ...tables.measuresOfStartUp(startUp),
    ...measuresOfScale(scale),
    ...engineMeasures(micro),
  };
}

function withoutFailures({ cases, outages, startUp }: Findings): boolean {
  const ours = [...cases.flatMap(({ subjects }) => subjects), ...outages, ...startUp].filter(({ id }) => id === "ours");
  return ours.every(({ problem }) => problem === undefined);
}

/** One line that is written over, or a line each where nobody watches; an empty text clears it away. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}
