/** The page that a run leaves behind for readers of the documentation. */
import { formatCase } from "./case-table.ts";
import { formatMachine } from "./machine.ts";
import * as tables from "./other-tables.ts";
import type { Picture } from "./pictures.ts";
import type { Report } from "./report.ts";
import { formatScale } from "./scale.ts";
import { formatVerdicts } from "./verdicts.ts";

/** All of a run as Markdown: the machine, the settings, the targets, and each stage with its picture and tables. */
export function formatReport(report: Report, pictures: readonly Picture[]): string {
  const { date, minutes, settings, machine, problems } = report;
  const sections = [
    "# Benchmarks",
    "Rehandle's daemon with I/O hang on (“ours”) and its peers, measured in turns: same disk, same client, same machine, same run. " +
      "[bench/](../../bench/README.md) tells how, and what the columns are; `npm run bench -- --docs` makes this page anew. " +
      "Ratios can be compared between machines, the other numbers cannot.",
    `${date.slice(0, 10)}, ${minutes.toFixed(0)} minutes`,
    formatMachine(machine).replace("\n", "\n\n"),
    formatSettings(settings),
    ...(problems.length === 0 ? [] : ["## What failed", problems.map((problem) => `- ${problem}`).join("\n")]),
    "## Targets",
    formatVerdicts(report.verdicts),
    "“Measured” is a median, and behind it between what the median of all such runs is, with 95 % confidence.",
    ...pictures.flatMap(({ name, title }) => section(report, name.replace(/\.svg$/, ""), title)),
    ...otherSections(report),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** What is shown by a picture, with the tables behind it. */
function section(report: Report, id: string, title: string): string[] {
  const cases = report.cases.filter((entry) => entry.id.startsWith(`${id}/`) || entry.id.startsWith(`${id}-`));
  const table = {
    recovery: () => tables.formatOutages(report.outages, report.settings["outageSeconds"] ?? 0),
    "start-up": () => tables.formatStartUp(report.startUp),
  }[id];
  return [
    `## ${id}: ${title}`,
    `![${title}, as bars](${id}.svg)`,
    ...cases.map(formatCase),
    ...(table === undefined ? [] : [table()]),
  ];
}

function otherSections({ drain, scale, micro }: Report): string[] {
  const found = [
    ...(drain === null ? [] : [tables.formatDrain(drain)]),
    ...(scale.length === 0 ? [] : [formatScale(scale)]),
    ...(micro.length === 0 ? [] : [tables.formatMicro(micro)]),
  ];
  return found.length === 0 ? [] : ["## What is not compared with others", ...found];
}

function formatSettings({ rounds, seconds, sizeMiB, outages, outageSeconds }: Report["settings"]): string {
  const outage = `${outages} outages of ${outageSeconds} s`;
  return `Settings: ${rounds} rounds, clients of ${seconds} s, a disk of ${sizeMiB} MiB, ${outage}.`;
}
