/** The results of a run as files: all of it as JSON, and a picture for each stage. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DrainResult } from "./drain.ts";
import type { MachineFacts } from "./machine.ts";
import type { MicroFigure } from "./micro-figures.ts";
import type { OutageResult } from "./outages.ts";
import { renderPictures } from "./pictures.ts";
import { formatReport } from "./report-page.ts";
import { ratiosToPeer, spreadOfFigure, figures, type CaseResult, type Measures } from "./results.ts";
import type { ScaleResult } from "./scale.ts";
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

/** Writes `results.json`, an SVG file for each stage that was measured, and `README.md`. @returns The paths. */
export function writeReport(folder: string, report: Report): string[] {
  mkdirSync(folder, { recursive: true });
  const pictures = renderPictures(report);
  const json = { ...report, cases: report.cases.map(withSummary) };
  const files = [
    { name: "README.md", text: formatReport(report, pictures) },
    { name: "results.json", text: `${JSON.stringify(json, null, 2)}\n` },
    ...pictures,
  ];
  return files.map(({ name, text }) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  });
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
