import { expect, test } from "vitest";
import { formatNumber, formatTable } from "./table.ts";

test("columns are as wide as their widest cell", () => {
  expect(
    formatTable(
      ["server", "µs"],
      [
        ["nbdkit file", "7.1"],
        ["ours", "104"],
      ],
    ),
  ).toBe(
    ["| server      |  µs |", "|-------------|----:|", "| nbdkit file | 7.1 |", "| ours        | 104 |"].join("\n"),
  );
});

test("a row may be short", () => {
  expect(formatTable(["a", "b"], [["x"]])).toBe("| a   |   b |\n|-----|----:|\n| x   |     |");
});

test.for([
  [0.0049, "0.00"],
  [1.234, "1.23"],
  [9.996, "10.0"],
  [45.67, "45.7"],
  [99.96, "100"],
  [4187.4, "4187"],
  [9999.6, "10.0k"],
  [138_123, "138k"],
  [999_600, "1.00M"],
  [Number.NaN, "–"],
  [undefined, "–"],
] as const)("%s is written %s", ([value, text]) => {
  expect(formatNumber(value)).toBe(text);
});
