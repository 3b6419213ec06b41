import { performance } from "node:perf_hooks";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { qemuTypes } from "../testing/qemu-types.ts";
import { defineOption } from "./define-option.ts";
import { parseDrive } from "./drive.ts";
import { parseFileName } from "./file-name.ts";
import { isOptionError } from "./option-error.ts";
import { parseQemuOpts } from "./qemu-opts.ts";
import { parseNumber, parseSize } from "./scalars.ts";

const blockdev = defineOption({ flag: "--blockdev", types: qemuTypes, type: "BlockdevOptions", impliedKey: "driver" });

const PARSERS: Record<string, (text: string) => unknown> = {
  blockdev: (text) => blockdev.parse(text),
  drive: (text) => parseDrive(text),
  "json: name": (text) => parseFileName(`json:${text}`),
  "nbd: name": (text) => parseFileName(`nbd:${text}`),
  "closed list": (text) => parseQemuOpts(text, { known: { a: { type: "str" } } }),
  number: (text) => parseNumber(text, "k"),
  size: (text) => parseSize(text, "k"),
};

/** Runs a parser; errors of its own are fine, any other is not. */
function attempt(parse: (text: string) => unknown, text: string): void {
  try {
    parse(text);
  } catch (error) {
    if (!isOptionError(error)) throw error;
  }
}

/** Texts made of the words and signs that the parsers look for. */
const languageText = fc
  .array(
    fc.oneof(
      fc.constantFrom("driver", "file", "nbd", "raw", "null-co", "size", "cache", "direct", "children", "id", "help"),
      fc.constantFrom(",", ",,", "=", ".", "0", "1", "no", "{", "}", "[", "]", ":", '"', "'", "\\u", "\\", "//", "-"),
      fc.constantFrom("__proto__", "constructor", "nbd://", "unix:", "json:", "1.5k", "0x", "on", "werror", "\u0000"),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

describe.each(Object.entries(PARSERS))("%s", (_name, parse) => {
  test("throws nothing but OptionError", () => {
    const property = fc.property(languageText, (text) => attempt(parse, text));
    expect(fc.check(property, { numRuns: 1000 })).toMatchObject({ failed: false });
  });

  const size = 1 << 18;
  test.each([
    ["commas", ","],
    ["equals signs", "="],
    ["items", "a=1,"],
    ["different keys", "k"],
    ["dots", "a."],
    ["digits", "9"],
    ["digits behind a point", "0.9"],
    ["white space", " "],
    ["open brackets", "["],
    ["open braces", '{"a":'],
    ["closing brackets", "}"],
    ["quotes", '"'],
    ["escapes", '"\\u'],
    ["underscores", "__a-"],
    ["letters", "n"],
    ["colons", "nbd://a:"],
    ["slashes", "/"],
    ["percent signs", "%41"],
  ])("takes time linear in 256 KiB of %s", (name, unit) => {
    const repeated = unit.repeat(Math.ceil(size / unit.length));
    const text = name === "different keys" ? Array.from({ length: size / 8 }, (_, i) => `k${i}=1`).join(",") : repeated;
    const start = performance.now();
    attempt(parse, text);
    for (const before of ["a=", '{"a":"', "{'a':"]) attempt(parse, before + text.slice(0, size / 16));
    // A quadratic parser would take minutes; the bound is far above what the slowest machine needs.
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
