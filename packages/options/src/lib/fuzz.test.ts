import { describe, expect, test } from "vitest";
import { HOSTILE_TEXTS } from "../testing/hostile-texts.ts";
import { attempt, fuzzParser, PARSERS } from "../testing/option-fuzzer.ts";

/** `bench/fuzz-parsers.ts` does the same for as long as it is let, from any seed. */
const ROUNDS = 75_000;
const SIZE = 1 << 17;
/** What lets a text lie in a value, a JSON string, a drive. */
const PREFIXES = ["", "a=", '{"a":"', "{'a':", "driver=raw,"];
/** ms of CPU time. A quadratic parser would take minutes; the slowest machine needs far less. */
const MOST = 5000;

describe.each(Object.entries(PARSERS))("%s", (_name, parse) => {
  test("throws nothing but OptionError", { timeout: 300_000 }, () => {
    expect(() => fuzzParser(parse, 1, ROUNDS)).not.toThrow();
  });

  test("takes time linear in 128 KiB of hostile text", { timeout: 300_000 }, () => {
    const slow = Object.entries(HOSTILE_TEXTS).filter(([, make]) => {
      const start = process.cpuUsage();
      const text = make(SIZE);
      attempt(parse, text);
      for (const prefix of PREFIXES) attempt(parse, prefix + text.slice(0, SIZE / 8));
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000 > MOST;
    });
    expect(slow.map(([kind]) => kind)).toEqual([]);
  });
});
