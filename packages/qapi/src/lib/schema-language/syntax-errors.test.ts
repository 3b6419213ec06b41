import { describe, expect, test } from "vitest";
import { complaintOf, schemaOf } from "../../testing/schema-files.ts";
import { isQapiSchemaError } from "./schema-error.ts";
import { readQapiSchema } from "./read-schema.ts";

describe("tokens and values", () => {
  test.each([
    ["%", "1:1: stray '%'"],
    ["\n  foo{", "2:3: stray 'foo'"],
    ['{ "a": 1 }', "1:3: stray '\"'"],
    ["{ 'a': 5 }", "1:8: stray '5'"],
    ["{ 'a': nulls }", "1:8: stray 'nulls'"],
    ["\t{ 'a': truex }", "1:20: stray 'x'"],
    ["{ 'a\n", '1:3: missing terminating "\'"'],
    ["{ 'a\\\n", '1:3: missing terminating "\'"'],
    ["{ 'a\\n' }", "1:3: unknown escape \\n"],
    ["{ 'aü' }", "1:3: funny character in string"],
    ["{ 'a\t' }", "1:3: funny character in string"],
    ["{ : }", "1:3: expected string or '}'"],
    ["{ 'a' }", "1:7: expected ':'"],
    ["{ 'a': }", "1:8: expected '{', '[', string, or boolean"],
    ["{ 'a': 'b' 'c'", "1:12: expected ',' or '}'"],
    ["{ 'a': 'b', }", "1:13: expected string"],
    ["{ 'a': 'b', 'a': 'c' }", "1:18: duplicate key 'a'"],
    ["{ 'a': [ : ] }", "1:10: expected '{', '[', ']', string, or boolean"],
    ["{ 'a': [ 'b' 'c' ] }", "1:14: expected ',' or ']'"],
    ["{ 'a': [ 'b', ] }", "1:15: expected '{', '[', string, or boolean"],
    ["{ 'a':\n", "1:7: expected '{', '[', string, or boolean"],
    ["]", "1:1: expected '{', '[', string, or boolean"],
    [`{ 'a': ${"[".repeat(101)}`, "1:107: nesting of more than 100 levels"],
    ["x".repeat(5000), `1:1: stray '${"x".repeat(1024)}'`],
  ])("%j", (text, message) => {
    expect(complaintOf(text)).toBe(`schema.json:${message}`);
  });

  test("a tab leads to the next column of eight", () => {
    expect(complaintOf("{\t:")).toBe("schema.json:1:9: expected string or '}'");
    expect(complaintOf("\t\t{ :")).toBe("schema.json:1:19: expected string or '}'");
  });

  test("\\\\ stands for a backslash, and lines may end as on Windows", () => {
    expect(complaintOf("{ 'if\\\\': true }\r\n")).toContain("must have exactly one key");
    expect(complaintOf("# a\r\n\r\n%\r\n")).toBe("schema.json:3:1: stray '%'");
  });
});

describe("directives", () => {
  test.each([
    ["'a'", "schema.json:1: top-level expression must be an object"],
    ["{ 'include': 'a.json', 'pragma': {} }", "schema.json:1: invalid 'include' directive"],
    ["{ 'include': true }", "schema.json:1: value of 'include' must be a string"],
    ["\n{ 'include': 'no/a.json' }", "schema.json:2: can't read include file 'no/a.json': No such file or directory"],
    ["{ 'include': 'schema.json' }", "schema.json:1: inclusion loop for schema.json"],
    ["{ 'include': './x/../schema.json' }", "schema.json:1: inclusion loop for ./x/../schema.json"],
    ["{ 'pragma': {}, 'x': true }", "schema.json:1: invalid 'pragma' directive"],
    ["{ 'pragma': [] }", "schema.json:1: value of 'pragma' must be an object"],
    ["{ 'pragma': { 'x': true } }", "schema.json:1: unknown pragma 'x'"],
    ["{ 'pragma': { 'doc-required': 'x' } }", "schema.json:1: pragma 'doc-required' must be boolean"],
    [
      "{ 'pragma': { 'command-name-exceptions': [ true ] } }",
      "schema.json:1: pragma command-name-exceptions must be a list of strings",
    ],
    [
      "{ 'pragma': { 'member-name-exceptions': 'x' } }",
      "schema.json:1: pragma member-name-exceptions must be a list of strings",
    ],
  ])("%j", (text, message) => {
    expect(complaintOf(text)).toBe(message);
  });

  test("a mistake in an included file tells the way to it", () => {
    const files = { "sub/a.json": "\n{ 'include': '../b.json' }", "sub/../b.json": "\n\n%" };
    const message =
      "In file included from schema.json:1:\nIn file included from sub/a.json:2:\nsub/../b.json:3:1: stray '%'";
    expect(complaintOf("{ 'include': 'sub/a.json' }", files)).toBe(message);
    expect(complaintOf("{ 'include': 'sub/a.json' }", { "sub/a.json": "{ 'struct': true }" })).toBe(
      "In file included from schema.json:1:\nsub/a.json:1: 'struct' requires a string name",
    );
  });

  test("a file is read once, whatever its path, and may refer to what follows the include", () => {
    const files = { "a.json": "{ 'struct': 'Aa', 'data': { 'b': 'Bb' } }" };
    const text = "{ 'include': 'a.json' }\n{ 'include': './x/../a.json' }\n{ 'enum': 'Bb', 'data': [] }";
    expect(schemaOf(text, files).definitions.map(({ name }) => name)).toEqual(["Aa", "Bb"]);
    expect(schemaOf(text, files).files).toEqual(["schema.json", "a.json"]);
  });

  test("why a file cannot be read is the system's to say", () => {
    const read = (path: string): string | { error: string } =>
      path === "s.json" ? "{ 'include': '/etc' }" : { error: "Is a directory" };
    expect(() => readQapiSchema("s.json", read)).toThrow("s.json:1: can't read include file '/etc': Is a directory");
    expect(() => readQapiSchema("s2.json", read)).toThrow("can't read schema file 's2.json': Is a directory");
  });

  test("inclusion is not endless", () => {
    const read = (path: string): string => `{ 'include': '${Number(/\d+/.exec(path)?.[0] ?? 0) + 1}.json' }`;
    expect(() => readQapiSchema("0.json", read)).toThrow(/100\.json:1: inclusion of more than 100 levels$/);
  });
});

test("an error has its place in parts, too", () => {
  let error: unknown;
  try {
    schemaOf("{ 'enum': 'Aa', 'data': [] }\n   { 'enum': 'a', 'data': [] }");
  } catch (thrown) {
    error = thrown;
  }
  if (!isQapiSchemaError(error)) throw new Error("no error of a schema");
  const { file, line, column, problem, message } = error;
  expect({ file, line, column, problem }).toEqual({
    file: "schema.json",
    line: 2,
    column: 4,
    problem: "name of enum must use CamelCase",
  });
  expect(message).toBe("schema.json: In enum 'a':\nschema.json:2: name of enum must use CamelCase");
});
