import { expect, test } from "vitest";

import type { Sample } from "./sample.ts";
import { canRedraw, createScreen } from "./screen.ts";

const TERMINAL = { isTTY: true, columns: 80, rows: 24, write: () => undefined };
const WELL: Sample = { at: 0, storageUp: true, hang: false, completed: 100, failed: 0, held: 0 };

/** Tells a short act on a screen; gives what was written. */
function tell(isTTY: boolean, plain: boolean = false): string[] {
  const written: string[] = [];
  const output = { ...TERMINAL, isTTY, write: (text: string) => written.push(text) };
  const screen = createScreen(output, {}, { plain, queueDepth: 16 });
  screen.line([{ text: "before" }]);
  screen.beginAct([{ text: "act", style: "bold" }], 500);
  screen.sample({ ...WELL, at: 500 });
  screen.note(700, "the storage is killed");
  screen.sample({ ...WELL, at: 1000, storageUp: false, completed: 0, failed: 3 });
  screen.sample({ ...WELL, at: 1500, storageUp: false, completed: 0, hang: true, held: 16 });
  screen.sample({ ...WELL, at: 2000, completed: 700 });
  screen.endAct();
  screen.line([{ text: "after" }]);
  screen.close();
  return written;
}

test("without a terminal, every line is printed once and has no escape sequences", () => {
  expect(tell(false).join("").split("\n")).toEqual([
    "before",
    "act",
    "",
    "    0.70 s  the storage is killed",
    "    1.00 s  storage DOWN      100 IOPS       3 errors     0 held",
    "    2.00 s  storage up        700 IOPS       3 errors     0 held",
    "",
    "after",
    "",
  ]);
});

test("a terminal can be told to do without", () => {
  expect(tell(true, true)).toEqual(tell(false));
});

test("on a terminal the picture is drawn over itself, in one write each time", () => {
  const written = tell(true);
  const pictures = written.filter((text) => text.includes("storage  "));
  expect(pictures).toHaveLength(7);
  // Four strips and an empty line; the note makes it one more.
  expect(pictures.map((text) => text.split("\u001b[2K").length - 1)).toEqual([5, 5, 6, 6, 6, 6, 6]);
  const ups = pictures.map((text) => /^.\[(\d+)A/.exec(text)?.[1] ?? "");
  expect(ups).toEqual(["", "5", "5", "6", "6", "6", "6"]);
  expect(pictures.at(-2)).toContain("IOPS");
  expect(pictures.at(-1)).not.toContain("IOPS");
});

test("the cursor is hidden during an act only, and comes back if it is cut short", () => {
  const written = tell(true);
  expect(written.filter((text) => text.includes("\u001b[?25"))).toEqual(["\u001b[?25l", "\u001b[?25h"]);
  const cut: string[] = [];
  const screen = createScreen({ ...TERMINAL, write: (text) => cut.push(text) }, {}, { plain: false, queueDepth: 1 });
  screen.beginAct([{ text: "act" }], 100);
  screen.close();
  screen.close();
  expect(cut.filter((text) => text === "\u001b[?25h")).toHaveLength(1);
});

test.for([
  ["a terminal", {}, {}, true],
  ["a pipe", { isTTY: false }, {}, false],
  ["NO_COLOR", {}, { NO_COLOR: "1" }, false],
  ["an empty NO_COLOR, which does not count", {}, { NO_COLOR: "" }, true],
  ["CI", {}, { CI: "true" }, false],
  ["a dumb terminal", {}, { TERM: "dumb" }, false],
  ["a narrow terminal", { columns: 60 }, {}, false],
  ["a low terminal", { rows: 10 }, {}, false],
] as const)("%s", ([, output, environment, expected]) => {
  expect(canRedraw({ ...TERMINAL, ...output }, environment)).toBe(expected);
});
