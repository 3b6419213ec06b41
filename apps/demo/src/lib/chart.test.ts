import { expect, test } from "vitest";

import { bars } from "./bars.ts";
import { chart, CHART_COLUMNS } from "./chart.ts";
import { paint } from "./line.ts";
import type { Sample } from "./sample.ts";

const WELL: Sample = { at: 0, storageUp: true, hang: false, completed: 100, failed: 0, held: 0 };
const AWAY: Sample = { ...WELL, storageUp: false, completed: 0 };

/** The chart as text, without colours. */
function drawn(samples: readonly Sample[], over: boolean = false): string[] {
  const lines = chart(samples, { slotMs: 100, queueDepth: 16, over });
  return lines.map((line) => line.map(({ text }) => text).join(""));
}

test("bars grow with their values, and only nothing is blank", () => {
  expect(bars([0, 1, 50, 99, 100, 200], 100)).toBe(" ▁▄███");
  expect(bars([0, 0], 0)).toBe("  ");
});

test("an outage without I/O hang shows errors", () => {
  const gap = " ".repeat(CHART_COLUMNS - 4);
  expect(drawn([WELL, { ...AWAY, failed: 16 }, { ...AWAY, failed: 4 }, WELL])).toEqual([
    `   storage  ━╌╌━${gap}  up`,
    `   I/O      █  █${gap}  500 IOPS`,
    `   errors    █▂ ${gap}  20`,
    `   held         ${gap}  0`,
  ]);
});

test("an outage with I/O hang shows what is held", () => {
  const rows = drawn([WELL, { ...AWAY, hang: true, held: 16 }]);
  expect(rows[0]?.trimEnd()).toMatch(/DOWN$/);
  expect(rows[2]).toMatch(/^ {3}errors +0$/);
  expect(rows[3]).toMatch(/^ {3}held {6}█ +16 {2}HANG$/);
});

test("when it is over, there is no rate any more", () => {
  expect(drawn([WELL, WELL, WELL], true)[1]).toBe(`   I/O      ███${" ".repeat(CHART_COLUMNS - 3)}  `);
});

test("only the newest slots are shown when there are too many, but all are counted", () => {
  const samples = Array.from({ length: 2 * CHART_COLUMNS }, () => ({ ...WELL, failed: 1 }));
  const rows = drawn(samples, true);
  expect(rows[0]).toBe(`   storage  ${"━".repeat(CHART_COLUMNS)}  up`);
  expect(rows[2]).toMatch(/ {2}92$/);
});

test("the widest chart fits into 80 columns", () => {
  const wide = { ...WELL, completed: 123_456, failed: 99_999, held: 128, hang: true };
  const rows = drawn(Array.from({ length: CHART_COLUMNS }, () => wide));
  for (const row of rows) expect(row.length).toBeLessThanOrEqual(80);
});

test("a painted line is cut by what is seen of it, not by its escape sequences", () => {
  const line = [{ text: "abc", style: "red" }, { text: "def" }] as const;
  expect(paint(line, 80)).toBe("\u001b[31mabc\u001b[0mdef");
  expect(paint(line, 4)).toBe("\u001b[31mabc\u001b[0md");
  expect(paint(line, 2)).toBe("\u001b[31mab\u001b[0m");
});
