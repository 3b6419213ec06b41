import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { attempt, differentKeys, fuzzParser, HOSTILE_UNITS, hostileText, PARSERS } from "../testing/option-fuzzer.ts";

const SIZE = 1 << 18;

describe.each(Object.entries(PARSERS))("%s", (_name, parse) => {
  test("throws nothing but OptionError", { timeout: 60_000 }, () => {
    expect(() => fuzzParser(parse, 1, 2000)).not.toThrow();
  });

  test.each([
    ...Object.entries(HOSTILE_UNITS).map(([name, unit]) => [name, hostileText(unit, SIZE)] as const),
    ["different keys", differentKeys(SIZE, "")] as const,
  ])("takes time linear in 256 KiB of %s", (_kind, text) => {
    const start = performance.now();
    attempt(parse, text);
    for (const before of ["a=", '{"a":"', "{'a':"]) attempt(parse, before + text.slice(0, SIZE / 16));
    // A quadratic parser would take minutes; the bound is far above what the slowest machine needs.
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
