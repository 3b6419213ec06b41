/** Bars with their spread, as an SVG picture that reads on a light and on a dark page. */
import type { Spread } from "./statistics.ts";
import { formatNumber } from "./table.ts";

interface Bar {
  readonly label: string;
  readonly spread: Spread;
  /** Drawn in the colour of what it is all about. */
  readonly ours: boolean;
  /** Behind the bar's value. */
  readonly note?: string;
}

export interface Panel {
  readonly title: string;
  /** Unit of the bars, behind the title. */
  readonly unit: string;
  readonly bars: readonly Bar[];
}

const MARGIN = 12;
const WIDTH = 800;
const LABELS = 230;
const VALUES = 130;
/** Of the longest bar. */
const LENGTH = WIDTH - LABELS - VALUES - MARGIN;
const ROW = 20;
const BAR = 13;
const TITLE = 34;
const AXIS = 18;
const GAP = 14;
const CAPTION = 16;
/** How many steps an axis has, at most. */
const MOST_STEPS = 5;

/** The page's colours may be those of the reader's system or not: so the picture has a ground of its own. */
const style = [
  "text{font:12px system-ui,sans-serif;fill:#24292f}",
  ".ground{fill:#fff}",
  ".title{font-weight:600}",
  ".tick,.caption{fill:#57606a;font-size:11px}",
  ".grid{stroke:#d0d7de}",
  ".bar{fill:#afb8c1}",
  ".ours{fill:#54aeff}",
  ".spread{stroke:#24292f;stroke-width:1.5}",
  "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.ground{fill:#0d1117}.tick,.caption{fill:#9198a1}",
  ".grid{stroke:#30363d}.bar{fill:#656c76}.ours{fill:#1f6feb}.spread{stroke:#e6edf3}}",
].join("");

/** One panel below the other; each has a scale of its own, which begins at 0. Bars without a value are left out. */
export function renderBarCharts(panels: readonly Panel[], caption: readonly string[]): string {
  const parts: string[] = [];
  let y = 0;
  for (const { title, unit, bars: all } of panels) {
    const bars = all.filter(({ spread }) => Number.isFinite(spread.median));
    if (bars.length === 0) continue;
    parts.push(`<text class="title" x="${MARGIN}" y="${y + 22}">${escaped(`${title} (${unit})`)}</text>`);
    const most = Math.max(...bars.map(({ spread }) => spread.max), Number.MIN_VALUE);
    y += TITLE;
    parts.push(renderAxis(most, y, bars.length * ROW));
    for (const bar of bars) {
      parts.push(renderBar(bar, y, LENGTH / most));
      y += ROW;
    }
    y += AXIS + GAP;
  }
  for (const line of caption) {
    parts.push(`<text class="caption" x="${MARGIN}" y="${y + 8}">${escaped(line)}</text>`);
    y += CAPTION;
  }
  const size = `viewBox="0 0 ${WIDTH} ${y + MARGIN}" width="${WIDTH}" height="${y + MARGIN}"`;
  const ground = `<path class="ground" d="M0 0H${WIDTH}V${y + MARGIN}H0Z"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img"><style>${style}</style>\n${ground}\n${parts.join("\n")}\n</svg>\n`;
}

/** Lines at round numbers from 0 on, behind the bars, with the numbers below. */
function renderAxis(most: number, y: number, height: number): string {
  const step = roundStep(most / MOST_STEPS);
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
  return ticks
    .map((value) => {
      const x = (LABELS + (value * LENGTH) / most).toFixed(1);
      const line = `<line class="grid" x1="${x}" x2="${x}" y1="${y - 4}" y2="${y + height}"/>`;
      const text = formatNumber(value).replace(/\.0*(?=\D|$)/, "");
      return `${line}<text class="tick" x="${x}" y="${y + height + 12}" text-anchor="middle">${text}</text>`;
    })
    .join("");
}

/** The least of 1, 2 and 5 times a power of ten that is no less. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
}

function renderBar({ label, spread, ours, note }: Bar, y: number, scale: number): string {
  const at = (value: number): string => (LABELS + value * scale).toFixed(1);
  const middle = y + BAR / 2;
  const line = (x1: string, x2: string, y1: number, y2: number): string =>
    `<line class="spread" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/>`;
  const value = [formatNumber(spread.median), ...(note === undefined ? [] : [note])].join(" · ");
  return [
    `<text x="${LABELS - 8}" y="${y + 11}" text-anchor="end">${escaped(label)}</text>`,
    `<rect class="bar${ours ? " ours" : ""}" x="${LABELS}" y="${y}" width="${(spread.median * scale).toFixed(1)}" height="${BAR}"/>`,
    line(at(spread.min), at(spread.max), middle, middle),
    ...[spread.min, spread.max].map((end) => line(at(end), at(end), middle - 3, middle + 3)),
    `<text x="${(Number(at(spread.max)) + 6).toFixed(1)}" y="${y + 11}">${escaped(value)}</text>`,
  ].join("");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
