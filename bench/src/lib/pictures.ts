/** What a run found, as pictures. */
import { renderBarCharts, type Panel } from "./bar-chart.ts";
import { formatMachine } from "./machine.ts";
import type { OutageResult } from "./outages.ts";
import type { Findings, Report } from "./report.ts";
import { ratiosToPeer, spreadOfFigure, type CaseResult } from "./results.ts";
import { stages } from "./stages.ts";
import type { StartUpResult } from "./start-up.ts";
import { median, spreadOf } from "./statistics.ts";
import { formatNumber } from "./table.ts";

export interface Picture {
  /** Of its file. */
  readonly name: string;
  /** What it shows, for those who do not see it. */
  readonly title: string;
  /** SVG. */
  readonly text: string;
}

/** A picture for each stage that was measured, and those of what is not a workload. */
export function renderPictures(report: Report): Picture[] {
  const machine = formatMachine(report.machine).split("\n")[0] ?? "";
  const bars = "Bars are medians, lines reach from the least to the greatest value.";
  const ratios = `${bars} “ours ×” is the median of the ratios of ours to it, pair by pair.`;
  const hangs = report.cases.filter(({ id }) => id.startsWith("hang-"));
  const drawn = [
    ...stages
      .filter(({ id }) => !id.startsWith("hang-"))
      .map(({ id, title }) => {
        const cases = report.cases.filter((entry) => entry.id.startsWith(`${id}/`));
        return { name: id, title, panels: cases.map((entry) => panelOf(entry, titleOf(entry))), caption: ratios };
      }),
    {
      name: "hang",
      title: "with I/O hang and without",
      panels: hangs.map((entry) => panelOf(entry, `${stageOf(entry)}: ${titleOf(entry)}`)),
      caption: ratios,
    },
    ...otherPanels(report).map(({ name, ...panel }) => {
      return { name, title: panel.title, panels: [panel], caption: bars };
    }),
  ];
  return drawn
    .filter(({ panels }) => panels.length > 0)
    .map(({ name, title, panels, caption }) => {
      return { name: `${name}.svg`, title, text: renderBarCharts(panels, [caption, machine]) };
    });
}

function titleOf({ id, title }: CaseResult): string {
  return title.split(";")[0] ?? id;
}

/** The storage of a stage that compares ours with itself. */
function stageOf({ id }: CaseResult): string {
  return id.slice("hang-".length, id.indexOf("/"));
}

function panelOf({ unit, subjects }: CaseResult, title: string): Panel {
  const [ours] = subjects;
  return {
    title,
    unit: `${unit}, more is better`,
    bars: subjects.map((subject) => ({
      label: subject.title,
      spread: spreadOfFigure(subject, "rate"),
      ours: subject.id.startsWith("ours"),
      ...(ours === undefined || subject === ours ? {} : { note: ratioNote(ratiosToPeer(ours, subject, "rate")) }),
    })),
  };
}

function ratioNote(ratios: readonly number[]): string {
  return `ours ×${formatNumber(median(ratios))}`;
}

function otherPanels({ outages, startUp }: Findings): (Panel & { name: string })[] {
  const panel = <T extends OutageResult | StartUpResult>(
    name: string,
    title: string,
    results: readonly T[],
    values: (result: T) => readonly number[],
  ): (Panel & { name: string })[] => {
    const bars = results.map((result) => {
      return { label: result.title, spread: spreadOf(values(result)), ours: result.id.startsWith("ours") };
    });
    return bars.length === 0 ? [] : [{ name, title, unit: "ms, less is better", bars }];
  };
  return [
    ...panel("recovery", "From storage that is back to the first completion", outages, ({ firstReply }) => firstReply),
    ...panel(
      "start-up",
      "From the start of the process to the first answer",
      startUp,
      ({ firstAnswer }) => firstAnswer,
    ),
  ];
}
