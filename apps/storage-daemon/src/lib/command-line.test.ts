import { expect, test } from "vitest";
import { readCommandLine, type OptionName } from "./command-line.ts";

const NAMES: readonly OptionName[] = [
  { name: "pidfile", hasArgument: true },
  { name: "drive", hasArgument: true },
  { name: "daemonize", hasArgument: false },
  { name: "trace", letter: "T", hasArgument: true },
  { name: "help", letter: "h", hasArgument: false },
];

function read(...argv: string[]): string[] {
  return [...readCommandLine(argv, NAMES)].map(({ name, argument, text }) => `${name} [${argument}] (${text})`);
}

test("values stand behind the name or an equals sign, names may be cut short", () => {
  expect(read("--pidfile", "a", "--pidfile=b=c", "--p", "d", "--pidfile=")).toEqual([
    "pidfile [a] (--pidfile a)",
    "pidfile [b=c] (--pidfile=b=c)",
    "pidfile [d] (--p d)",
    "pidfile [] (--pidfile=)",
  ]);
});

test("letters may be joined, to each other and to a value", () => {
  expect(read("-hTx", "-T", "y", "-hh")).toEqual([
    "help [] (-h)",
    "trace [x] (-hTx)",
    "trace [y] (-T y)",
    "help [] (-h)",
    "help [] (-h)",
  ]);
});

test("other words are words, and so is everything behind --", () => {
  expect(read("a", "-", "--", "--help", "--")).toEqual([
    "null [a] (a)",
    "null [-] (-)",
    "null [--help] (--help)",
    "null [--] (--)",
  ]);
});

test.each([
  [["--bogus"], "unrecognized option '--bogus'"],
  [["--d"], "option '--d' is ambiguous; possibilities: '--drive' '--daemonize'"],
  [["--pidfile"], "option '--pidfile' requires an argument"],
  [["--daemonize=1"], "option '--daemonize' doesn't allow an argument"],
  [["-x"], "invalid option -- 'x'"],
  [["-T"], "option requires an argument -- 'T'"],
])("%s: %s", (argv, message) => {
  expect(() => read(...argv)).toThrow(message);
});
