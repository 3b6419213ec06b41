import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitWords } from "./split-words.ts";

function wordsOf(line: string): string[] {
  return splitWords(line).words.map(({ text }) => text);
}

describe("a line is split", () => {
  test.for([
    ["a  b\tc", ["a", "b", "c"]],
    ["", []],
    ['do x={"a": 1, "b": [2, 3]} y=2', ["do", 'x={"a": 1, "b": [2, 3]}', "y=2"]],
    ["do x={'a': '}'} y", ["do", "x={'a': '}'}", "y"]],
    [String.raw`do name="two \" words" y`, ["do", String.raw`name="two \" words"`, "y"]],
    ['{"execute": "a"} {"execute": "b"}', ['{"execute": "a"}', '{"execute": "b"}']],
    ["it's a=b's", ["it's", "a=b's"]],
    ["x=a{b c}", ["x=a{b", "c}"]],
  ] as const)("%s", ([line, words]) => {
    expect(wordsOf(line)).toEqual(words);
  });

  test.for([
    ["do x={", true],
    ["do x='a", true],
    ["do x=[1, {}", true],
    ["do x={} ", false],
  ] as const)("%s may go on: %s", ([line, isUnfinished]) => {
    expect(splitWords(line).isUnfinished).toBe(isUnfinished);
  });
});

test("what blanks are between comes back, whatever else is in the words", () => {
  const value = fc.oneof(
    fc.stringMatching(/^[a-z0-9.,:}\]{[\\"']*$/).map((text) => `k${text}`),
    fc.json().map((text) => `key=${text.startsWith("{") || text.startsWith("[") ? text : `[${text}]`}`),
    fc.string().map((text) => `key=${JSON.stringify(text)}`),
  );
  fc.assert(
    fc.property(fc.array(value), fc.constantFrom(" ", "\t", "   "), (words, blanks) => {
      expect(wordsOf(words.join(blanks))).toEqual(words);
    }),
  );
});

test("nothing of a line is lost but blanks, and words say where they begin", () => {
  fc.assert(
    fc.property(fc.string(), (line) => {
      const { words } = splitWords(line);
      for (const { text, start } of words) expect(line.startsWith(text, start)).toBe(true);
      expect(words.map(({ text }) => text.replaceAll(/[ \t]/g, "")).join("")).toBe(line.replaceAll(/[ \t]/g, ""));
    }),
  );
});
