/** The parts of a run, one after another. One that fails is named, and the others go on. */
import type { BenchOptions } from "./bench-options.ts";
import { formatCase } from "./case-table.ts";
import type { Storage } from "./disks.ts";
import { measureDrain } from "./drain.ts";
import type { MicroFigure } from "./micro-figures.ts";
import { findMicroBenchmarks, runMicroBenchmark } from "./micro.ts";
import * as tables from "./other-tables.ts";
import { measureOutages, type OutageResult } from "./outages.ts";
import type { Findings } from "./report.ts";
import type { CaseResult } from "./results.ts";
import { runCase } from "./run-case.ts";
import { formatScale, measureScale } from "./scale.ts";
import { stages } from "./stages.ts";
import { measureStartUp, type StartUpResult } from "./start-up.ts";
import type { Stage } from "./subject.ts";
import { workloads } from "./workloads.ts";
import type { Workshop } from "./workshop.ts";

/** What each part of a run is given. */
interface Run {
  readonly options: BenchOptions;
  readonly workshop: Workshop;
  readonly root: string;
  readonly storage: Storage;
}

/** Ids of the parts that are not a case, in order. */
export const others = ["recovery", "drain", "start-up", "scale", "micro"] as const;

/** Measures the parts with these ids, and prints what each of them found. */
export async function measureParts(run: Run, ids: ReadonlySet<string>): Promise<Findings> {
  const { options, workshop, storage } = run;
  const problems: string[] = [];
  const cases: CaseResult[] = [];
  for (const stage of stages) cases.push(...(await measureStage(run, stage, ids)));
  /** Measures a part that was asked for; null if it was not, or if it failed. */
  const part = async <T>(id: (typeof others)[number], work: () => Promise<T>): Promise<T | null> => {
    if (!ids.has(id)) return null;
    progress(id);
    try {
      return await work();
    } catch (error) {
      complain(problems, id, error);
      return null;
    }
  };
  const outages = await part("recovery", () => measureRecovery(run));
  if (outages !== null) print(tables.formatOutages(outages, options.outageSeconds));
  const drain = await part("drain", () => measureDrain(workshop, storage));
  if (drain !== null) print(tables.formatDrain(drain));
  const startUp = await part("start-up", () => measureStarts(run));
  if (startUp !== null) print(tables.formatStartUp(startUp));
  const scale = await part("scale", () => measureScale(workshop, options.rounds));
  if (scale !== null) print(formatScale(scale));
  const micro = await part("micro", () => measureMicro(run, problems));
  if (micro !== null) print(tables.formatMicro(micro));
  return {
    cases,
    outages: outages ?? [],
    drain,
    startUp: startUp ?? [],
    scale: scale ?? [],
    micro: micro ?? [],
    problems,
  };
}

async function measureStage(run: Run, stage: Stage, ids: ReadonlySet<string>): Promise<CaseResult[]> {
  const { workshop, storage, options } = run;
  const results: CaseResult[] = [];
  for (const workload of workloads.filter((entry) => entry.stages.includes(stage.id))) {
    const id = `${stage.id}/${workload.id}`;
    if (!ids.has(id)) continue;
    const say = (text: string): void => progress(`${id}: ${text}`);
    const result = await runCase(workshop, storage, withPeers(stage, options), workload, { ...options, say });
    print(formatCase(result));
    results.push(result);
  }
  return results;
}

/** One proxy after another: a burst of another one's retries would be in the way of the first completion. */
async function measureRecovery({ workshop, storage, options }: Run): Promise<OutageResult[]> {
  const settings = { outages: options.outages, seconds: options.outageSeconds };
  const results: OutageResult[] = [];
  for (const subject of stageOf("proxy", options).subjects) {
    progress(`recovery: ${subject.title}, ${settings.outages} outages of ${settings.seconds} s`);
    results.push(await measureOutages(workshop, storage, subject, settings));
  }
  return results;
}

function measureStarts({ workshop, storage, options }: Run): Promise<StartUpResult[]> {
  return measureStartUp(workshop, storage, stageOf("file", options).subjects, options.rounds);
}

/** Programs that fail are added to the problems. */
async function measureMicro({ workshop, root, options }: Run, problems: string[]): Promise<MicroFigure[]> {
  const figures: MicroFigure[] = [];
  for (const benchmark of findMicroBenchmarks(root, options.task === "micro" ? options.only : /./)) {
    progress(benchmark.name);
    try {
      figures.push(...(await runMicroBenchmark(workshop, root, benchmark)));
    } catch (error) {
      complain(problems, benchmark.name, error);
    }
  }
  return figures;
}

function stageOf(id: string, options: BenchOptions): Stage {
  const stage = stages.find((entry) => entry.id === id);
  if (stage === undefined) throw new Error(`there is no stage ${id}`);
  return withPeers(stage, options);
}

/** A stage with ours and the peers that were asked for. */
function withPeers(stage: Stage, { peers }: BenchOptions): Stage {
  return { ...stage, subjects: stage.subjects.filter(({ id }) => id === "ours" || peers.test(id)) };
}

function complain(problems: string[], what: string, error: unknown): void {
  const problem = `${what} failed: ${error instanceof Error ? error.message : String(error)}`;
  problems.push(problem);
  print(problem);
}

function print(text: string): void {
  progress("");
  console.log(`${text}\n`);
}

/** One line that is written over, or a line each where nobody watches; an empty text clears it away. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}
