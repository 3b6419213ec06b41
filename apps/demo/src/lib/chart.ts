import { bars } from "./bars.ts";
import { count } from "./figures.ts";
import type { Line, Segment, Style } from "./line.ts";
import { recentRate, totals, type Sample } from "./sample.ts";

/** Columns of an act's chart: one for each slot of time. */
export const CHART_COLUMNS = 46;

const LABEL_COLUMNS = 9;

/** What a chart shows. */
export interface ChartOptions {
  /** Width of a slot, ms. */
  readonly slotMs: number;
  /** The most requests that can be held. */
  readonly queueDepth: number;
  /** Nothing more will come: there is no rate any more. */
  readonly over: boolean;
}

/** Four strips over the same time: the storage, the I/O that succeeded, the errors, the requests that are held. */
export function chart(samples: readonly Sample[], { slotMs, queueDepth, over }: ChartOptions): Line[] {
  const shown = samples.slice(-CHART_COLUMNS);
  const last = samples.at(-1);
  const { failed } = totals(samples);
  const strip = (of: (sample: Sample) => number, most: number, style: Style): Segment => {
    return { text: bars(shown.map(of), most).padEnd(CHART_COLUMNS), style };
  };
  const most = (of: (sample: Sample) => number): number => Math.max(0, ...shown.map(of));
  const rate = over ? "" : `${count(recentRate(samples, slotMs))} IOPS`;
  return [
    row("storage", storageStrip(shown), upOrDown(last)),
    row(
      "I/O",
      [
        strip(
          (sample) => sample.completed,
          most((sample) => sample.completed),
          "cyan",
        ),
      ],
      { text: rate },
    ),
    // Few errors shall look like few, so a full bar is at least one error of each request in flight.
    row(
      "errors",
      [
        strip(
          (sample) => sample.failed,
          Math.max(
            queueDepth,
            most((sample) => sample.failed),
          ),
          "red",
        ),
      ],
      alarm(count(failed), failed > 0, "red"),
    ),
    row(
      "held",
      [strip((sample) => sample.held, queueDepth, "yellow")],
      alarm(`${count(last?.held ?? 0)}${last?.hang === true ? "  HANG" : ""}`, (last?.held ?? 0) > 0, "yellow"),
    ),
  ];
}

function row(label: string, strip: readonly Segment[], value: Segment): Line {
  return [{ text: `   ${label.padEnd(LABEL_COLUMNS)}`, style: "dim" }, ...strip, { text: "  " }, value];
}

function alarm(text: string, raised: boolean, style: Style): Segment {
  return raised ? { text, style } : { text };
}

function upOrDown(sample: Sample | undefined): Segment {
  if (sample === undefined) return { text: "" };
  return sample.storageUp ? { text: "up", style: "green" } : { text: "DOWN", style: "red" };
}

function storageStrip(shown: readonly Sample[]): Segment[] {
  const segments: Segment[] = shown.map(({ storageUp }) =>
    storageUp ? { text: "━", style: "green" } : { text: "╌", style: "red" },
  );
  return [...segments, { text: " ".repeat(CHART_COLUMNS - shown.length) }];
}
