/** Bars with their spread, as an SVG picture that reads on a light and on a dark page. */
import type { Spread } from "./statistics.ts";
import { formatNumber } from "./table.ts";

interface Bar {
  readonly label: string;
  readonly spread: Spread;
  /** Drawn in the colour of what it is all about. */
  readonly ours: boolean;
}

export interface Panel {
  readonly title: string;
  /** Unit of the bars, behind the title. */
  readonly unit: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABELS = 230;
const VALUES = 70;
const ROW = 20;
const BAR = 13;
const TITLE = 34;
const GAP = 14;

const style = [
  "text{font:12px system-ui,sans-serif;fill:#24292f}",
  ".title{font-weight:600}",
  ".bar{fill:#8c959f}",
  ".ours{fill:#0969da}",
  ".spread{stroke:#24292f;stroke-width:1.5}",
  "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.spread{stroke:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}}",
].join("");

/** One panel below the other; each has a scale of its own, which begins at 0. Bars without a value are left out. */
export function renderBarCharts(panels: readonly Panel[], caption: string): string {
  const parts: string[] = [];
  let y = 0;
  for (const panel of panels) {
    const bars = panel.bars.filter(({ spread }) => Number.isFinite(spread.median));
    if (bars.length === 0) continue;
    parts.push(`<text class="title" x="0" y="${y + 20}">${escaped(`${panel.title} (${panel.unit})`)}</text>`);
    const most = Math.max(...bars.map(({ spread }) => spread.max), Number.MIN_VALUE);
    y += TITLE;
    for (const bar of bars) {
      parts.push(renderBar(bar, y, (WIDTH - LABELS - VALUES) / most));
      y += ROW;
    }
    y += GAP;
  }
  parts.push(`<text x="0" y="${y + 12}">${escaped(caption)}</text>`);
  const size = `viewBox="0 0 ${WIDTH} ${y + 20}" width="${WIDTH}" height="${y + 20}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img"><style>${style}</style>\n${parts.join("\n")}\n</svg>\n`;
}

function renderBar({ label, spread, ours }: Bar, y: number, scale: number): string {
  const at = (value: number): string => (LABELS + value * scale).toFixed(1);
  const middle = y + BAR / 2;
  const line = (x1: string, x2: string, y1: number, y2: number): string =>
    `<line class="spread" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/>`;
  return [
    `<text x="${LABELS - 8}" y="${y + 11}" text-anchor="end">${escaped(label)}</text>`,
    `<rect class="bar${ours ? " ours" : ""}" x="${LABELS}" y="${y}" width="${(spread.median * scale).toFixed(1)}" height="${BAR}"/>`,
    line(at(spread.min), at(spread.max), middle, middle),
    ...[spread.min, spread.max].map((value) => line(at(value), at(value), middle - 3, middle + 3)),
    `<text x="${(Number(at(spread.max)) + 6).toFixed(1)}" y="${y + 11}">${formatNumber(spread.median)}</text>`,
  ].join("");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
