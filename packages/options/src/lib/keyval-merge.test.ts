import { expect, test } from "vitest";
import { messageOf } from "../testing/message-of.ts";
import { mergeKeyval } from "./keyval-merge.ts";
import { parseKeyval } from "./keyval.ts";

const merged = (first: string, second: string): unknown =>
  structuredClone(mergeKeyval(parseKeyval(first).tree, parseKeyval(second).tree));

test.each([
  ["a=1,b=2", "a=3", { a: "3", b: "2" }],
  ["a.b=1", "a.c=2,d=3", { a: { b: "1", c: "2" }, d: "3" }],
  ["a.0=1,a.1=2", "a.0=3", { a: ["1", "2", "3"] }],
  ["", "a.b.c=1", { a: { b: { c: "1" } } }],
])("'%s' and '%s'", (first, second, tree) => expect(merged(first, second)).toEqual(tree));

test.each([
  ["a=1", "a.b=2", "Parameter 'a' used inconsistently"],
  ["a.b=1", "a=2", "Parameter 'a' used inconsistently"],
  ["a.b.0=1", "a.b.c=2", "Parameter 'a.b' used inconsistently"],
])("'%s' and '%s': %s", (first, second, message) => expect(messageOf(() => merged(first, second))).toBe(message));

test("leaves its arguments alone, and takes any key", () => {
  const first = parseKeyval("a.b=1").tree;
  const second = JSON.parse('{"__proto__":"x","a":{"c":"2"}}') as Record<string, string>;
  const tree = mergeKeyval(first, second);
  expect(Object.keys(tree)).toEqual(["a", "__proto__"]);
  expect(first).toEqual(parseKeyval("a.b=1").tree);
});

test("a text can add to a tree itself, but not to its lists", () => {
  const { tree } = parseKeyval("a.b=1,l.0=x", { impliedKey: "type" });
  expect(structuredClone(parseKeyval("pc,a.c=2", { impliedKey: "type", into: tree }).tree)).toEqual({
    a: { b: "1", c: "2" },
    l: ["x"],
    type: "pc",
  });
  for (const [text, path] of [
    ["a=2", "a"],
    ["a.b.c=2", "a.b"],
    ["l.0=y", "l"],
  ] as const) {
    expect(messageOf(() => parseKeyval(text, { into: tree }))).toBe(`Parameters '${path}.*' used inconsistently`);
  }
});
