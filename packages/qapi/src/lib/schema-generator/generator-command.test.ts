import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runGenerator } from "./generator-command.ts";

/** What a run left behind. */
interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly files: Record<string, string>;
}

function run(args: readonly string[], given: Readonly<Record<string, string>> = {}): Outcome {
  const files: Record<string, string> = { ...given };
  let out = "";
  let err = "";
  const status = runGenerator(args, {
    readFile: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    writeFile: (path, text) => {
      if (path.startsWith("/full/")) throw new Error("No space left on device");
      files[path] = text;
    },
    print: (text) => void (out += text),
    printError: (text) => void (err += text),
  });
  return { status, out, err, files };
}

const SCHEMA = {
  "s.json": "{ 'command': 'do-it', 'if': 'CONFIG_A', 'returns': 'Aa' }\n{ 'struct': 'Aa', 'data': {} }",
};

describe("the command line", () => {
  const hint = "Try 'rehandle-qapi-gen --help'.\n";
  test.each<[string[], number, string]>([
    [[], 2, `rehandle-qapi-gen: one schema file is wanted\n${hint}`],
    [["a", "b"], 2, `rehandle-qapi-gen: one schema file is wanted\n${hint}`],
    [["--foo", "a"], 2, `rehandle-qapi-gen: unknown option '--foo'\n${hint}`],
    [["--check=1", "a"], 2, `rehandle-qapi-gen: unknown option '--check=1'\n${hint}`],
    [["a", "-o"], 2, `rehandle-qapi-gen: option '-o' requires an argument\n${hint}`],
    [["--name", "a-b", "a"], 2, `rehandle-qapi-gen: 'a-b' is no name in CamelCase\n${hint}`],
    [["no.json"], 1, "can't read schema file 'no.json': No such file or directory\n"],
    [["--import=x", "s.json"], 1, "rehandle-qapi-gen: --import takes FILE=MODULE, not 'x'\n"],
    [["--import", "s.json=@x/y", "s.json"], 1, "rehandle-qapi-gen: the schema does not include 's.json'\n"],
    [["-o", "/full", "s.json"], 1, "rehandle-qapi-gen: No space left on device\n"],
  ])("%j", (args, status, err) => {
    expect(run(args, SCHEMA)).toMatchObject({ status, err, out: "" });
  });

  test("--help", () => {
    const { status, out } = run(["--help"]);
    expect(status).toBe(0);
    expect(out).toContain("Usage: rehandle-qapi-gen");
    expect(out).toContain("--check");
  });

  test("a mistake in the schema is said as QEMU says it", () => {
    expect(run(["s.json"], { "s.json": "{ 'command': 'a', 'data': 'Xx' }" })).toMatchObject({
      status: 1,
      err: "s.json: In command 'a':\ns.json:1: command's 'data' uses unknown type 'Xx'\n",
    });
  });
});

describe("what is written", () => {
  test("three files, with the names that are asked for", () => {
    const { status, files } = run(["s.json", "--output-dir=out", "--name", "Test", "--from=../index.ts"], SCHEMA);
    expect(status).toBe(0);
    expect(Object.keys(files)).toEqual(["s.json", "out/types.ts", "out/schema.ts", "out/introspection.ts"]);
    expect(files["out/schema.ts"]).toContain("export const testSchema: TestSchema = {");
    expect(files["out/schema.ts"]).toContain('import type * as qapi from "../index.ts";');
    expect(files["out/schema.ts"]).toContain("/** Only if CONFIG_A. */");
    expect(files["out/introspection.ts"]).toContain("export const testIntrospection");
    expect(files["out/introspection.ts"]).toContain('"ret-type":"1"');
  });

  test("types by name on demand", () => {
    const { files } = run(["s.json", "-u"], SCHEMA);
    expect(files["./introspection.ts"]).toContain('"ret-type":"Aa"');
  });

  test("only what is defined", () => {
    expect(run(["s.json", "--define="], SCHEMA).files["./schema.ts"]).not.toContain("do-it");
    expect(run(["s.json", "--define", "X,CONFIG_A"], SCHEMA).files["./schema.ts"]).toContain("do-it");
    expect(run(["s.json", "--define", "X", "--define=CONFIG_A"], SCHEMA).files["./schema.ts"]).toContain("do-it");
  });

  test("a schema of nothing", () => {
    const { files } = run(["s.json"], { "s.json": "" });
    expect(files["./types.ts"]).toContain("export {};");
    expect(files["./schema.ts"]).toContain("  commands: {},\n  events: {},\n");
  });

  test("--check writes nothing, and tells what is out of date", () => {
    const { files } = run(["s.json"], SCHEMA);
    expect(run(["--check", "s.json"], files)).toMatchObject({ status: 0, err: "" });
    const old = { ...files, "./types.ts": "old" };
    const checked = run(["--check", "s.json"], old);
    expect(checked).toMatchObject({ status: 1, err: "./types.ts is not up to date: run rehandle-qapi-gen\n" });
    expect(checked.files).toEqual(old);
    expect(run(["s.json"], old).files).toEqual(files);
  });
});

test("--import leaves types to the module that has them", () => {
  const schema = {
    "s.json": `
      { 'include': 'lib/all.json' }
      { 'include': 'lib/part.json' }
      { 'include': 'own.json' }
      { 'command': 'get', 'data': 'Part', 'boxed': true, 'returns': [ 'Own' ] }
      { 'event': 'CAME', 'data': { 'how': 'How' } }`,
    "lib/all.json":
      "{ 'include': 'part.json' } { 'enum': 'How', 'data': [ 'a' ] } { 'command': 'ask', 'returns': 'Found' }\n" +
      "{ 'struct': 'Found', 'data': {} }",
    "lib/part.json": "{ 'struct': 'Part', 'data': { 'n': 'int' } }",
    "own.json":
      "{ 'struct': 'Own', 'base': 'Part', 'data': { '*how': [ 'How' ], 'own': 'Other' } } { 'struct': 'Other', 'data': {} }",
  };
  const { status, err, files } = run(["--import", "lib/./all.json=@x/all", "s.json"], schema);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(files["./types.ts"]).toBe(`// Generated by rehandle-qapi-gen from s.json; not to be edited.
import type * as qapi from "@rehandle/qapi";
import * as imported from "@x/all";

export interface Own extends imported.Part {
  how?: imported.How[];
  own: Other;
}

export const Own: qapi.StructTypeOf<Own> = {
  base: () => imported.Part,
  struct: () => ({ "*how": [imported.How], own: Other }),
};

export interface Other {}

export const Other: qapi.StructTypeOf<Other> = { struct: () => ({}) };
`);
  expect(files["./schema.ts"]).toContain('import * as imported from "@x/all";\nimport * as types from "./types.ts";\n');
  expect(files["./schema.ts"]).toContain("get: { boxed: imported.Part, returns: [types.Own] },");
  expect(files["./schema.ts"]).toContain("how: imported.How;\n");
  // What the server tells is whole, whoever has the types.
  expect(files["./introspection.ts"]).toBe(run(["s.json"], schema).files["./introspection.ts"]);
  const two = run(["--import", "lib/all.json=@x/all", "--import", "lib/part.json=@x/part", "s.json"], schema).files;
  expect(two["./types.ts"]).toContain('import * as imported from "@x/all";\nimport * as imported2 from "@x/part";\n');
  expect(two["./types.ts"]).toContain("extends imported2.Part");
});

describe("the program", () => {
  const program = join(import.meta.dirname, "../../../bin/rehandle-qapi-gen.js");
  const node = ["--conditions=@rehandle/source", program];

  test("reads and writes files", () => {
    const folder = mkdtempSync(join(tmpdir(), "qapi-gen-"));
    try {
      const schema = join(folder, "s.json");
      writeFileSync(schema, SCHEMA["s.json"]);
      execFileSync(process.execPath, [...node, "-o", join(folder, "new/out"), schema]);
      expect(readFileSync(join(folder, "new/out/schema.ts"), "utf8")).toContain("QmpSchema");
      const { status, stderr } = spawnSync(process.execPath, [...node, folder], { encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 1, stderr: `can't read schema file '${folder}': Is a directory\n` });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("the package's own code is up to date", () => {
    const cwd = join(import.meta.dirname, "../../..");
    const args = [...node, "--check", "--name", "Rehandle", "-o", "src/lib/generated", "schema/rehandle.json"];
    expect(spawnSync(process.execPath, args, { cwd, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });
});

test("--options writes a catalog of the types that a command line takes", () => {
  const schema = `
##
# @Kind:
#
# Kinds of things
##
{ 'enum': 'Kind', 'data': [ 'a', 'b' ] }
{ 'struct': 'Base', 'data': { '*count': 'uint8' } }
##
# @Thing:
#
# A thing. Not more.
#
# @name: what @kind of thing
#        it is called
##
{ 'struct': 'Thing', 'base': 'Base', 'data': { 'name': 'str', '*others': [ 'Ref' ] } }
{ 'union': 'Any', 'base': 'Common', 'discriminator': 'kind', 'data': { 'a': 'Thing' } }
{ 'struct': 'Common', 'data': { 'kind': 'Kind' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'thing': 'Any' } }
{ 'struct': 'Other', 'data': {} }
`;
  const { status, files } = run(["--name", "Test", "--options", "Any", "s.json"], { "s.json": schema });
  expect(status).toBe(0);
  expect(files["./options.ts"]).toBe(`// Generated by rehandle-qapi-gen from s.json; not to be edited.

/** Types of the command line, for \`defineOption\`. */
export const testOptionTypes = {
  Kind: { help: "kinds of things", enum: ["a", "b"] },
  Base: { struct: { "*count": { type: "uint8" } } },
  Thing: {
    help: "a thing",
    base: "Base",
    struct: { name: { type: "str", help: "what kind of thing it is called" }, "*others": { type: ["Ref"] } },
  },
  Any: { union: { kind: { type: "Kind" } }, discriminator: "kind", branches: { a: "Thing" } },
  Common: { struct: { kind: { type: "Kind" } } },
  Ref: { alternate: { name: "str", thing: "Any" } },
} as const;
`);
  expect(run(["--options", "Some", "s.json"], { "s.json": schema })).toMatchObject({
    status: 1,
    err: "rehandle-qapi-gen: no type 'Some'\n",
  });
});
