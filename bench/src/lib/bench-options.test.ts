import { expect, test } from "vitest";
import { parseBenchOptions } from "./bench-options.ts";

test("without arguments, everything and long enough", () => {
  const options = parseBenchOptions([]);
  expect(options).toMatchObject({ task: "all", rounds: 5, seconds: 1, size: 2 ** 30, outages: 10, docs: false });
  expect(options.only.test("file/4k-randread-d1")).toBe(true);
});

test("what is said goes before what quick means", () => {
  expect(parseBenchOptions(["--quick"])).toMatchObject({ rounds: 2, seconds: 1, outages: 3, outageSeconds: 1 });
  expect(parseBenchOptions(["--quick", "--rounds", "7"])).toMatchObject({ rounds: 7, seconds: 1 });
  expect(parseBenchOptions(["--seconds=0.5", "--only", "d32$"]).only.test("file/4k-randread-d1")).toBe(false);
});

test("the guard needs to know what to compare with", () => {
  expect(parseBenchOptions(["guard", "HEAD~1", "--tolerance=0.2"])).toMatchObject({
    base: "HEAD~1",
    tolerance: 0.2,
    rounds: 3,
  });
  expect(() => parseBenchOptions(["guard"])).toThrow("needs the commit");
});

test.for([
  [["macro"], "no task macro"],
  [["micro", "HEAD"], "HEAD is one word too many"],
  [["--rounds", "none"], "--rounds has to be a number"],
  [["--rounds", "0"], "--rounds has to be a number"],
  [["--fast"], "--fast"],
] as const)("%s is refused", ([args, message]) => {
  expect(() => parseBenchOptions(args)).toThrow(message);
});
