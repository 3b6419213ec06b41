import { expect, test } from "vitest";

import { readArguments } from "./demo-options.ts";

test("the defaults, and what differs from them", () => {
  expect(readArguments([])).toEqual({ verb: "run", options: { outage: 20, iohangTimeout: 60, plain: false } });
  expect(readArguments(["--outage", "8", "--iohang-timeout=3", "--plain"])).toEqual({
    verb: "run",
    options: { outage: 8, iohangTimeout: 3, plain: true },
  });
  expect(readArguments(["-h"])).toEqual({ verb: "help" });
});

test.for([
  ["--outage", "0"],
  ["--outage", "61"],
  ["--outage", "1.5"],
  ["--iohang-timeout", "-1"],
  ["--iohang-timeout", "x"],
  ["--what"],
  ["what"],
])("%s is not understood", (args) => {
  expect(() => readArguments(args)).toThrow(/--|what/);
});
