import { expect, test } from "vitest";
import { findExamples } from "../scripts/readme-examples.mjs";
import { countLine, countTests } from "../scripts/suites.mjs";

const fence = "```";

test("examples are the ts blocks that are not marked no-run", () => {
  const markdown = [
    "# Title",
    `${fence}ts`,
    "first();",
    fence,
    `${fence}sh`,
    "npm install",
    fence,
    `${fence}ts no-run`,
    "never();",
    fence,
    `${fence}tsx`,
    fence,
    `${fence}\`md`,
    `${fence}ts`,
    "quoted();",
    fence,
    `${fence}\``,
    `${fence}ts`,
    "second();",
    "third();",
    fence,
  ].join("\n");
  expect(findExamples(markdown)).toEqual([
    { line: 3, code: "first();\n" },
    { line: 19, code: "second();\nthird();\n" },
  ]);
});

test("a block that is never closed is an error", () => {
  expect(() => findExamples(`a\n${fence}ts\nfirst();`)).toThrow("line 2");
});

test("tests are counted, and a file that falls over counts as one that failed", () => {
  const passed = { status: "passed" };
  const failed = { status: "failed" };
  const testResults = [
    { status: "passed", assertionResults: [passed, passed, { status: "pending" }, { status: "todo" }] },
    { status: "failed", assertionResults: [passed, failed] },
    { status: "failed", assertionResults: [] },
    { status: "failed", assertionResults: [passed] },
  ];
  expect(countTests({ testResults })).toEqual({ passed: 4, failed: 3, skipped: 2 });
});

test("the last line counts the tests, and every other step as one", () => {
  const steps = [
    { name: "build", code: 0 },
    { name: "suites", code: 1 },
    { name: "lint", code: 2 },
  ];
  expect(countLine(steps, { passed: 10, failed: 2, skipped: 0 })).toBe("11 passed, 3 failed");
  expect(countLine(steps, { passed: 10, failed: 0, skipped: 4 })).toBe("11 passed, 2 failed, 4 skipped");
  expect(countLine([{ name: "suites", code: 0 }], { passed: 10, failed: 0, skipped: 0 })).toBe("10 passed, 0 failed");
});
