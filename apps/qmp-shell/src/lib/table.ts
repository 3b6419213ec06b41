import type { Palette } from "./palette.ts";
import { shown } from "./printable.ts";

/** A longer text of the peer's is cut in a table. */
const LONGEST_CELL = 400;

/** Rows below a heading, as wide as they need to be. A column that is empty in all rows is left out. */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  palette: Palette,
): string {
  const columns = heading.map((_, column) => column).filter((column) => rows.some((row) => (row[column] ?? "") !== ""));
  const lines = [heading, ...rows].map((row) => columns.map((column) => shown(row[column] ?? "", LONGEST_CELL)));
  const widths = columns.map((_, i) => lines.reduce((widest, line) => Math.max(widest, (line[i] ?? "").length), 0));
  const [first = "", ...rest] = lines.map((line) => {
    return line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  });
  return [palette.bold(first), ...rest].join("\n");
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Bytes for people: `64 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined || !Number.isFinite(bytes)) return "";
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(value < 10 ? 2 : 1))} ${UNITS[unit]}`;
}
