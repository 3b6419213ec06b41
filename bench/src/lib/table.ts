/** Rows as a Markdown table whose columns are also straight in a terminal; the first column to the left, others to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(3, ...[header, ...rows].map((row) => widthOf(row[column] ?? title))),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => padded(cells[column] ?? "", width, column > 0)).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => "-".repeat(width + 1) + (column > 0 ? ":" : "-")).join("|")}|`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

function padded(text: string, width: number, right: boolean): string {
  const space = " ".repeat(width - widthOf(text));
  return right ? space + text : text + space;
}

function widthOf(text: string): number {
  return Array.from(text).length;
}

/** Three significant digits or so, with `k` and `M` for thousands and millions; `–` if there is no number. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 999_500) return `${significant(value / 1e6)}M`;
  if (size >= 9999.5) return `${significant(value / 1000)}k`;
  return significant(value);
}

function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}
