import { ratiosToPeer, spreadOfFigure, type CaseResult } from "./results.ts";
import { spreadOf, type Spread } from "./statistics.ts";
import { formatNumber, formatTable } from "./table.ts";

/** A case as a table with a line for each server; ratios are ours to the peer's. */
export function formatCase({ id, title, unit, subjects }: CaseResult): string {
  const [ours] = subjects;
  const rows = subjects.map((subject) => {
    const of = (figure: Parameters<typeof spreadOfFigure>[1]): Spread => spreadOfFigure(subject, figure);
    const ratios =
      ours === undefined || subject === ours
        ? ["", ""]
        : [ratiosToPeer(ours, subject, "rate"), ratiosToPeer(ours, subject, "cpu")].map((ratios) =>
            formatSpread(spreadOf(ratios)),
          );
    const latency = [of("p50"), of("p99")].map(({ median }) => formatNumber(median));
    const memory = [of("peak"), of("anonymous")].map(({ median }) => formatNumber(median));
    return [
      subject.title,
      formatSpread(of("rate")),
      ratios[0] ?? "",
      ...latency,
      formatSpread(of("cpu")),
      ratios[1] ?? "",
      ...memory,
    ];
  });
  const header = [
    "server",
    unit,
    "ours / it",
    "p50 µs",
    "p99 µs",
    "CPU µs per I/O",
    "ours / it",
    "peak MiB",
    "own MiB",
  ];
  const problems = subjects.flatMap((subject) =>
    subject.problem === undefined ? [] : [`${subject.title}: ${subject.problem}`],
  );
  return [`### ${id}: ${title}`, "", formatTable(header, rows), ...problems.map((text) => `\n${text}`)].join("\n");
}

/** The median, with the least and the greatest value behind it. */
function formatSpread({ min, median, max }: Spread): string {
  if (!Number.isFinite(median)) return "–";
  return `${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`;
}
