import { describe, expect, test } from "vitest";
import { complaintOf, schemaOf } from "../../testing/schema-files.ts";
import type { DocComment } from "./doc-comment.ts";

const commented = (
  lines: readonly string[],
  definition = "{ 'command': 'c', 'data': { 'a': 'str', 'b': 'int' } }",
): string => ["##", ...lines.map((line) => `# ${line}`.trimEnd()), "##", definition].join("\n");

function docOf(lines: readonly string[], definition?: string): DocComment {
  const { doc } = schemaOf(commented(lines, definition)).definitions[0] ?? {};
  if (doc === undefined) throw new Error("no comment");
  return doc;
}

test("what a comment is made of", () => {
  const doc = docOf([
    "@c:",
    "",
    "Does a thing,",
    "and another.",
    "",
    "@a: a text",
    "    that goes on",
    "",
    "    with a paragraph",
    "@b:",
    "on the next line",
    "",
    "Text of its own.",
    "",
    "Returns: a thing",
    "         or two",
    "",
    "Note: one",
    "",
    "Notes:",
    "two",
    "Since: 1.2",
    "",
    "Example:",
    "",
    " -> { 'execute': 'c' }",
  ]);
  expect(doc).toMatchObject({ symbol: "c", body: "Does a thing,\nand another." });
  expect([...doc.members]).toEqual([
    ["a", "a text\nthat goes on\n\nwith a paragraph"],
    ["b", "on the next line"],
  ]);
  expect(doc.sections).toEqual([
    { tag: undefined, text: "Text of its own." },
    { tag: "Returns", text: "a thing\nor two" },
    { tag: "Note", text: "one" },
    { tag: "Notes", text: "two" },
    { tag: "Since", text: "1.2" },
    { tag: "Example", text: "-> { 'execute': 'c' }" },
  ]);
});

test("features", () => {
  const definition =
    "{ 'command': 'c', 'features': [ 'f' ], 'data': { 'a': { 'type': 'str', 'features': [ 'deprecated' ] } } }";
  const doc = docOf(["@c:", "", "@a: x", "", "Features:", "@f: one", "@deprecated: two", "", "Since: 1"], definition);
  expect([...doc.features]).toEqual([
    ["f", "one"],
    ["deprecated", "two"],
  ]);
  expect(docOf(["@c:", "Features:", "@f: x", "@deprecated: y"], definition).features.size).toBe(2);
});

test("free text needs no definition, and headings cut it", () => {
  expect(
    schemaOf("##\n# = Title\n# text\n# == More\n##\n##\n# x\n##\n{ 'include': 'a.json' }", { "a.json": "" })
      .definitions,
  ).toEqual([]);
});

describe("mistakes of form", () => {
  test.each([
    ["## x\n##", "1:1: junk after '##' at start of documentation comment"],
    ["##\n# a\n## x", "3:1: junk after '##' at end of documentation comment"],
    ["##\n# a\n", "2:4: documentation comment must end with '##'"],
    ["##\n# a\n{}", "3:1: documentation comment must end with '##'"],
    ["##\n#a\n##", "2:1: missing space after #"],
    ["##\n# @a\n##", "2:1: line should end with ':'"],
    ["##\n# @a: b\n##", "2:1: line should end with ':'"],
    ["##\n# @:\n##", "2:1: invalid name"],
    ["##\n# a\n# @b: c\n##", "3:1: '@b:' not allowed in free-form documentation"],
    ["##\n# @a:\n# @b:c d\n##", "3:1: '@b:' not allowed in free-form documentation"],
    ["##\n# @a:\n# @: c\n##", "3:1: invalid parameter name"],
    ["##\n# @a:\n# @b: c\n# @b: d\n##", "4:1: 'b' parameter name duplicated"],
    ["##\n# @a:\n# Features:\n# @b: c\n# @b: d\n##", "5:1: 'b' parameter name duplicated"],
    ["##\n# @a:\n# @b: c\n# d\n##", "4:1: unexpected de-indent (expected at least 4 spaces)"],
    ["##\n# @a:\n# Since: 1\n# Since: 2\n##", "4:1: duplicated 'Since' section"],
    ["##\n# @a:\n# Returns: 1\n# Returns: 2\n##", "4:1: duplicated 'Returns' section"],
    ["##\n# @a:\n# Since:\n##", "4:1: empty doc section 'Since'"],
    ["##\n# @a:\n# @b:\n# @c: d\n##", "4:1: empty doc section 'b'"],
    ["##\n# @a:\n# Since: 1\n# @b: c\n##", "4:1: '@b:' can't follow 'Since' section"],
    ["##\n# @a:\n# = b\n##", "3:1: unexpected '=' markup in definition documentation"],
  ])("%j", (text, message) => {
    expect(complaintOf(text)).toBe(`schema.json:${message}`);
  });
});

describe("comments and definitions", () => {
  const inC = "schema.json: In command 'c':\nschema.json:";
  test.each([
    ["##\n# @c:\n##", "schema.json:1: documentation for 'c' is not followed by the definition"],
    ["##\n# @c:\n##\n##\n# @d:\n##\n", "schema.json:1: documentation for 'c' is not followed by the definition"],
    ["##\n# @c:\n##\n{ 'pragma': {} }", "schema.json:1: documentation for 'c' is not followed by the definition"],
    ["##\n# text\n##\n{ 'command': 'c' }", "schema.json:1: definition documentation required"],
    ["{ 'pragma': { 'doc-required': true } }\n{ 'command': 'c' }", `${inC}2: documentation comment required`],
    ["{ 'command': 'c' }\n{ 'pragma': { 'doc-required': true } }", `${inC}1: documentation comment required`],
    [commented(["@d:"]), `${inC}4: documentation comment is for 'd'`],
    [commented(["@c:", "@x: y"]), `${inC}1: documented member 'x' does not exist`],
    [commented(["@c:", "@x: y", "@z: y"]), `${inC}1: documented members 'x', 'z' do not exist`],
    [commented(["@c:", "Features:", "@x: y"]), `${inC}1: documented feature 'x' does not exist`],
    [commented(["@c:"], "{ 'command': 'c', 'features': [ 'f' ] }"), `${inC}4: feature 'f' lacks documentation`],
    [
      commented(["@Aa:", "Returns: x"], "{ 'struct': 'Aa', 'data': {} }"),
      "schema.json: In struct 'Aa':\nschema.json:1: 'Returns:' is only valid for commands",
    ],
  ])("%j", (text, message) => {
    expect(complaintOf(text)).toBe(message);
  });

  test.each([
    "{ 'enum': 'c', 'data': [ 'a' ] }",
    "{ 'struct': 'c', 'data': { 'a': 'str' } }",
    "{ 'alternate': 'c', 'data': { 'a': 'str' } }",
    "{ 'union': 'c', 'base': { 'a': 'QType' }, 'discriminator': 'a', 'data': {} }",
    "{ 'event': 'C', 'data': { 'a': 'str' } }",
  ])("a member of %s may be described", (definition) => {
    const name = definition.startsWith("{ 'event'") ? "C" : "Cc";
    const text = commented([`@${name}:`, "@a: text"], definition.replace("'c'", "'Cc'"));
    expect(schemaOf(text).definitions[0]?.doc?.members.get("a")).toBe("text");
    expect(complaintOf(text.replace("@a: ", "@b: "))).toContain("documented member 'b' does not exist");
  });
});
