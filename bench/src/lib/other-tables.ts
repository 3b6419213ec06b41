/** Tables and measures of what is not a workload. */
import type { DrainResult } from "./drain.ts";
import type { MicroFigure } from "./micro-figures.ts";
import type { OutageResult } from "./outages.ts";
import { exactly, type Measures } from "./results.ts";
import type { StartUpResult } from "./start-up.ts";
import { estimateMedian, median, pairRatios, percentile, spreadOf } from "./statistics.ts";
import { formatNumber, formatTable } from "./table.ts";

export function formatOutages(results: readonly OutageResult[], seconds: number): string {
  const rows = results.map(({ title, firstReply, errors }) => {
    const { min, median: middle, max } = spreadOf(firstReply);
    const numbers = [min, middle, percentile(firstReply, 99), max].map(formatNumber);
    return [title, `${firstReply.length}`, ...numbers, `${errors}`];
  });
  const header = ["server", "outages", "min ms", "median ms", "p99 ms", "max ms", "errors"];
  const title = `### recovery: from an upstream that accepts again to the first completion, after ${seconds} s`;
  return [title, "", formatTable(header, rows), ...problemsOf(results)].join("\n");
}

export function measuresOfOutages(results: readonly OutageResult[]): Measures {
  return Object.fromEntries(
    results.flatMap(({ id, firstReply, errors }) =>
      firstReply.length === 0
        ? []
        : [
            [`recovery ${id} first reply, median ms`, estimateMedian(firstReply)],
            [`recovery ${id} first reply, p99 ms`, exactly(percentile(firstReply, 99))],
            [`recovery ${id} errors`, exactly(errors)],
          ],
    ),
  );
}

export function formatDrain({ held, bytesPerRequest, drained, normal }: DrainResult): string {
  const [back, usual] = [drained, normal].map((rates) => formatNumber(median(rates)));
  const speed = `drained at ${back} per second, normally ${usual}; medians of ${drained.length}`;
  return `### drain: ${held} writes of 4 KiB held\n\n${formatNumber(median(bytesPerRequest))} bytes of memory each; ${speed}`;
}

export function measuresOfDrain({ bytesPerRequest, drained, normal }: DrainResult): Measures {
  return {
    "drain ours/normal": estimateMedian(pairRatios(drained, normal)),
    "drain bytes per held 4k write": estimateMedian(bytesPerRequest),
  };
}

export function formatStartUp(results: readonly StartUpResult[]): string {
  const rows = results.map(({ title, firstAnswer, resident }) => {
    const { min, median: middle, max } = spreadOf(firstAnswer);
    return [title, ...[min, middle, max, median(resident)].map(formatNumber)];
  });
  const header = ["server", "min ms", "median ms", "max ms", "idle MiB"];
  const title = "### start-up: from the start of the process to the first answer; resident memory a second later";
  return [title, "", formatTable(header, rows), ...problemsOf(results)].join("\n");
}

export function measuresOfStartUp(results: readonly StartUpResult[]): Measures {
  return Object.fromEntries(
    results.flatMap(({ id, firstAnswer, resident }) =>
      firstAnswer.length === 0
        ? []
        : [
            [`start-up ${id} first answer, ms`, estimateMedian(firstAnswer)],
            [`start-up ${id} idle resident, MiB`, estimateMedian(resident)],
          ],
    ),
  );
}

export function formatMicro(figures: readonly MicroFigure[]): string {
  const rows = figures.map(({ name, unit, value }) => [name, formatNumber(value), unit]);
  return `### micro benchmarks\n\n${formatTable(["what", "figure", "unit"], rows)}`;
}

function problemsOf(results: readonly { title: string; problem?: string }[]): string[] {
  return results.flatMap(({ title, problem }) => (problem === undefined ? [] : [`\n${title}: ${problem}`]));
}
