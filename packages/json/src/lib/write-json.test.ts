import { expect, test } from "vitest";
import { writeJson } from "./write-json.ts";

test("long strings are escaped alike wherever a character stands", () => {
  const escaped: readonly [string, string][] = [
    ["é", "\\u00E9"],
    ["\u007F", "\\u007F"],
    ["\n", "\\n"],
    ['"', '\\"'],
    ["😀", "\\uD83D\\uDE00"],
    ["\uD83D", "\\uFFFD"],
    ["\uDE00", "\\uFFFD"],
  ];
  for (const [text, written] of escaped) {
    for (const before of [0, 1, 1022, 1023, 1024, 1025, 2047]) {
      const plain = "a".repeat(before);
      expect(writeJson(`${plain}${text}b`)).toBe(`"${plain}${written}b"`);
    }
  }
});
