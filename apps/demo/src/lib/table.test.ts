import { expect, test } from "vitest";

import { renderTable } from "./table.ts";

test("columns are as wide as their widest cell, and nothing hangs over at the end", () => {
  const table = renderTable(
    ["", "without", "with"],
    [
      ["errors", "412", "0"],
      ["longest stall", "4.21 s", ""],
    ],
  );
  expect(table).toEqual([
    "                without   with",
    "──────────────────────────────",
    "errors          412       0",
    "longest stall   4.21 s",
  ]);
});

test("a row that is short has empty cells", () => {
  expect(renderTable(["a", "b"], [["1"]])).toEqual(["a   b", "─────", "1"]);
});
