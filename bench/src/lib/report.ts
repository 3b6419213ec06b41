/** The results of a run as files: all of it as JSON, and a picture for each stage. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderBarCharts, type Panel } from "./bar-chart.ts";
import type { DrainResult } from "./drain.ts";
import { formatMachine, type MachineFacts } from "./machine.ts";
import type { MicroFigure } from "./micro-figures.ts";
import type { OutageResult } from "./outages.ts";
import { ratiosToPeer, spreadOfFigure, figures, type CaseResult, type Measures } from "./results.ts";
import type { ScaleResult } from "./scale.ts";
import { stages } from "./stages.ts";
import type { StartUpResult } from "./start-up.ts";
import { spreadOf } from "./statistics.ts";
import type { Verdict } from "./verdicts.ts";

/** Everything that a run found. */
export interface Findings {
  readonly cases: readonly CaseResult[];
  readonly outages: readonly OutageResult[];
  readonly drain: DrainResult | null;
  readonly startUp: readonly StartUpResult[];
  readonly scale: readonly ScaleResult[];
  readonly micro: readonly MicroFigure[];
  /** Parts that failed, and why. Of servers that could not take part their own results tell. */
  readonly problems: readonly string[];
}

export interface Report extends Findings {
  readonly date: string;
  readonly machine: MachineFacts;
  /** What the run was asked to do. */
  readonly settings: Readonly<Record<string, number>>;
  /** How long the run took. */
  readonly minutes: number;
  readonly measures: Measures;
  readonly verdicts: readonly Verdict[];
}

/** Writes `results.json` and one SVG file for each stage that was measured. @returns The paths. */
export function writeReport(folder: string, report: Report): string[] {
  mkdirSync(folder, { recursive: true });
  const caption = formatMachine(report.machine).split("\n")[0] ?? "";
  const pictures = stages.flatMap(({ id }) => {
    const cases = report.cases.filter((entry) => entry.id.startsWith(`${id}/`));
    return cases.length === 0 ? [] : [{ name: `${id}.svg`, text: renderBarCharts(panelsOf(cases), caption) }];
  });
  if (report.outages.length > 0) {
    pictures.push({ name: "recovery.svg", text: renderBarCharts([recoveryPanel(report.outages)], caption) });
  }
  const cases = report.cases.map(withSummary);
  const files = [{ name: "results.json", text: `${JSON.stringify({ ...report, cases }, null, 2)}\n` }, ...pictures];
  return files.map(({ name, text }) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  });
}

function panelsOf(cases: readonly CaseResult[]): Panel[] {
  return cases.map(({ id, title, unit, subjects }) => ({
    title: title.split(";")[0] ?? id,
    unit: `${unit}, more is better`,
    bars: subjects.map((subject) => ({
      label: subject.title,
      spread: spreadOfFigure(subject, "rate"),
      ours: subject.id.startsWith("ours"),
    })),
  }));
}

function recoveryPanel(outages: readonly OutageResult[]): Panel {
  return {
    title: "From storage that is back to the first completion",
    unit: "ms, less is better",
    bars: outages.map(({ id, title, firstReply }) => ({
      label: title,
      spread: spreadOf(firstReply),
      ours: id.startsWith("ours"),
    })),
  };
}

/** A case with the spread of each figure, and of its ratios to each peer. */
function withSummary(result: CaseResult): object {
  const [ours] = result.subjects;
  const subjects = result.subjects.map((subject) => ({
    ...subject,
    summary: Object.fromEntries(figures.map((figure) => [figure, spreadOfFigure(subject, figure)])),
    ...(ours === undefined || subject === ours
      ? {}
      : {
          oursToThis: Object.fromEntries(
            figures.map((figure) => [figure, spreadOf(ratiosToPeer(ours, subject, figure))]),
          ),
        }),
  }));
  return { ...result, subjects };
}
