import { expect, test } from "vitest";
import { renderBarCharts, type Panel } from "./bar-chart.ts";

const panel: Panel = {
  title: "reads < writes & more",
  unit: "IOPS",
  bars: [
    { label: "ours", ours: true, spread: { min: 80, median: 100, max: 200 } },
    { label: "a peer", ours: false, note: "ours ×2.00", spread: { min: 50, median: 50, max: 50 } },
    { label: "absent", ours: false, spread: { min: Number.NaN, median: Number.NaN, max: Number.NaN } },
  ],
};

const svg = renderBarCharts([panel, { ...panel, title: "empty", bars: [] }], ["a machine", "all of it"]);

test("bars are as long as their medians, on a scale of the greatest value", () => {
  const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toEqual([214, 107]);
  expect([...svg.matchAll(/class="bar ours"/g)]).toHaveLength(1);
});

test("nothing without a value is drawn, and no panel without bars", () => {
  expect(svg).not.toContain("absent");
  expect(svg).not.toContain("empty");
  expect(svg).not.toContain("NaN");
});

test("texts cannot break the picture", () => {
  expect(svg).toContain("reads &lt; writes &amp; more (IOPS)");
  expect(svg).toContain("a machine");
});

test("an axis begins at 0 and has round numbers, where the bars have them", () => {
  const ticks = [...svg.matchAll(/class="tick" x="([\d.]+)"[^>]*>([^<]*)</g)].map(([, x, text]) => [Number(x), text]);
  expect(ticks).toEqual([
    [230, "0"],
    [337, "50"],
    [444, "100"],
    [551, "150"],
    [658, "200"],
  ]);
});

test("a note stands behind the value", () => {
  expect(svg).toContain(">50.0 · ours ×2.00</text>");
  expect(svg).toContain(">all of it</text>");
});
