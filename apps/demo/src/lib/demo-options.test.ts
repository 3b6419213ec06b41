import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { HELP, readArguments } from "./demo-options.ts";

const DEFAULTS = {
  outage: 4,
  calm: 2,
  queueDepth: 16,
  firstIoWithin: 1,
  iohangTimeout: 60,
  returns: true,
  plain: false,
};

test("without arguments, everything has its default", () => {
  expect(readArguments([])).toEqual({ verb: "run", options: DEFAULTS });
});

test("every option is read", () => {
  const args =
    "--outage 1.5 --calm 0.5 --queue-depth=8 --first-io-within 0.25 --iohang-timeout 2 --no-return --plain".split(" ");
  const options = {
    outage: 1.5,
    calm: 0.5,
    queueDepth: 8,
    firstIoWithin: 0.25,
    iohangTimeout: 2,
    returns: false,
    plain: true,
  };
  expect(readArguments(args)).toEqual({ verb: "run", options });
});

test.for([["--help"], ["-h"], ["--outage", "3", "--help"]])("%j asks for help", (args) => {
  expect(readArguments(args)).toEqual({ verb: "help" });
});

test.for([
  [["--outage", "0"], "--outage takes a number from 1 to 60, not '0'"],
  [["--outage", "61"], "not '61'"],
  [["--outage", "4s"], "not '4s'"],
  [["--outage=-4"], "not '-4'"],
  [["--calm", "0.4"], "--calm takes a number from 0.5 to 60, not '0.4'"],
  [["--queue-depth", "1.5"], "--queue-depth takes a whole number, not '1.5'"],
  [["--queue-depth", "0"], "from 1 to 128"],
  [["--iohang-timeout", ""], "not ''"],
  [["--outages", "4"], "--outages"],
  [["now"], "now"],
] as const)("%j is refused", ([args, message]) => {
  expect(() => readArguments(args)).toThrow(expect.objectContaining({ name: "UsageError" }));
  expect(() => readArguments(args)).toThrow(message);
});

test("help names every option and fits into 80 columns", () => {
  for (const option of [
    "--outage",
    "--calm",
    "--queue-depth",
    "--iohang-timeout",
    "--no-return",
    "--plain",
    "--help",
  ]) {
    expect(HELP).toContain(option);
  }
  for (const line of HELP.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("the README has the same help", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`text\n${HELP}\`\`\`\n`);
});
