import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { afterAll, describe, expect, test } from "vitest";
import { schemaOf } from "../../testing/schema-files.ts";
import { checkArguments, readEventData, readResult } from "../check-arguments.ts";
import { checkValue, readValue } from "../check-value.ts";
import { isQmpError } from "../qmp-error.ts";
import type { Schema, StructTypeOf, TypeOf } from "../schema.ts";
import { generateTypeScript } from "./generate-typescript.ts";

const SCHEMA = `
{ 'enum': 'Mode', 'data': [ 'safe', 'hard', 'other' ] }
{ 'struct': 'Base', 'data': { 'id': 'str', '*next': 'Tree' } }
##
# @Tree:
#
# A tree with @children, and a */ in its comment.
#
# @children: what is
#            below it
#
# Features:
# @deprecated: use the forest
#
# Since: 1.0
##
{ 'struct': 'Tree', 'base': 'Base', 'data': { '*children': [ 'Tree' ], '*old-name': { 'type': 'int', 'features': [ 'deprecated' ] } } }
{ 'struct': 'Hard', 'data': { 'force': 'bool' } }
{ 'union': 'Removal', 'base': { 'mode': 'Mode', '*label': 'str' }, 'discriminator': 'mode', 'data': { 'hard': 'Hard' } }
{ 'struct': 'Kinds', 'data': { 'mode': 'Mode' } }
{ 'union': 'Other', 'base': 'Kinds', 'discriminator': 'mode', 'data': { 'hard': 'Hard', 'safe': 'Tree' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'tree': 'Tree', 'list': [ 'int8' ], 'nothing': 'null' } }
{ 'alternate': 'Kind', 'data': { 'kind': 'QType', 'number': 'int' } }
{ 'struct': 'String', 'data': { 'str': 'str' } }
{ 'struct': 'Empty', 'data': {} }
{ 'command': 'remove', 'data': 'Removal', 'boxed': true, 'returns': [ 'Tree' ], 'allow-oob': true }
{ 'command': 'add', 'data': { 'ref': 'Ref', '*size': 'size', '*any': 'any' }, 'returns': 'Other' }
{ 'command': 'open', 'data': { 'driver': 'str' }, 'gen': false }
{ 'command': 'nothing' }
{ 'event': 'REMOVED', 'data': { 'removal': 'Removal', 'kind': 'Kind', '*words': [ 'String' ] } }
{ 'event': 'ENDED', 'data': 'Tree' }
{ 'event': 'BARE' }
`;

const folder = mkdtempSync(join(import.meta.dirname, "../../../.generated-"));
const generated = generateTypeScript(schemaOf(SCHEMA), { name: "Test" });
mkdirSync(folder, { recursive: true });
for (const [file, text] of generated) writeFileSync(join(folder, file), text);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As much of the generated modules' types as the tests need; that the real ones hold, the compiler looks at elsewhere. */
interface Types {
  readonly Tree: StructTypeOf<{ id: string; children?: unknown[] }>;
  readonly Ref: TypeOf<unknown>;
  readonly Removal: TypeOf<{ mode: string; force?: boolean }>;
  readonly Other: TypeOf<unknown>;
  readonly Mode: TypeOf<string>;
}
const types = (await import(join(folder, "types.ts"))) as Types;
const { testSchema } = (await import(join(folder, "schema.ts"))) as { testSchema: Schema };

function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isQmpError(error)) return error.desc;
    throw error;
  }
  return "accepted";
}

describe("strict", () => {
  test.each<[keyof Types, unknown, string]>([
    ["Tree", { id: "a", children: [{ id: "b", next: { id: "c" } }], "old-name": 5 }, "accepted"],
    ["Tree", { children: [] }, "Parameter 'id' is missing"],
    ["Tree", { id: "a", children: [{}] }, "Parameter 'children[0].id' is missing"],
    ["Tree", { id: "a", more: 1 }, "Parameter 'more' is unexpected"],
    ["Tree", "a", "Invalid parameter type for '', expected: object"],
    ["Removal", { mode: "hard", force: true }, "accepted"],
    ["Removal", { mode: "safe" }, "accepted"],
    ["Removal", { mode: "hard" }, "Parameter 'force' is missing"],
    ["Removal", { mode: "soft" }, "Parameter 'mode' does not accept value 'soft'"],
    ["Removal", { mode: "safe", force: true }, "Parameter 'force' is unexpected"],
    ["Other", { mode: "safe", id: "a" }, "accepted"],
    ["Other", { mode: "hard", id: "a" }, "Parameter 'force' is missing"],
    ["Other", { mode: "other" }, "accepted"],
    ["Ref", "a", "accepted"],
    ["Ref", null, "accepted"],
    ["Ref", [5, -128], "accepted"],
    ["Ref", [128], "Parameter 'null' expects int8_t"],
    ["Ref", { id: 5 }, "Invalid parameter type for 'id', expected: string"],
    ["Ref", true, "Invalid parameter type for 'null', expected: Ref"],
    ["Mode", "hard", "accepted"],
  ])("%s %j: %s", (name, value, message) => {
    expect(complaint(() => checkValue<unknown>(types[name], value))).toBe(message);
  });

  test("what is accepted is given back", () => {
    const value = { mode: "hard", force: true, label: "x" };
    expect(checkValue(types.Removal, value)).toEqual(value);
    expect(checkValue(types.Ref, [1, 2])).toEqual([1, 2]);
  });
});

test("lenient: what a newer peer adds is let pass, what is known is checked", () => {
  expect(readValue(types.Tree, { id: "a", more: 1, children: [{ id: "b", more: 2 }] })).toEqual({
    id: "a",
    children: [{ id: "b" }],
  });
  expect(readValue(types.Removal, { mode: "soft", softness: 5, label: "x" })).toEqual({ mode: "soft", label: "x" });
  expect(readValue(types.Mode, "soft")).toBe("soft");
  expect(complaint(() => readValue(types.Tree, { id: 5 }))).toBe("Invalid parameter type for 'id', expected: string");
  expect(complaint(() => readValue(types.Tree, { more: 5 }))).toBe("Parameter 'id' is missing");
});

test("the schema checks arguments, results and events", () => {
  const check = (command: string, args?: unknown): unknown => checkArguments<Schema, string>(testSchema, command, args);
  expect(check("remove", { mode: "safe" })).toEqual({ mode: "safe" });
  expect(complaint(() => check("remove", { mode: "safe", force: true }))).toBe("Parameter 'force' is unexpected");
  expect(check("add", { ref: "a", size: 2n ** 63n, any: [1] })).toEqual({ ref: "a", size: 2n ** 63n, any: [1] });
  expect(complaint(() => check("add", { ref: 5 }))).toBe("Invalid parameter type for 'ref', expected: Ref");
  expect(check("nothing")).toEqual({});
  expect(complaint(() => check("nothing", { a: 1 }))).toBe("Parameter 'a' is unexpected");
  // A command that checks by itself gets all that was sent.
  expect(check("open", { driver: "x", more: 1 })).toEqual({ driver: "x", more: 1 });
  expect(complaint(() => check("open", []))).toBe("Invalid parameter type for '', expected: object");

  expect(readResult<Schema, string>(testSchema, "remove", [{ id: "a", more: 1 }])).toEqual([{ id: "a" }]);
  expect(complaint(() => readResult<Schema, string>(testSchema, "remove", {}))).toBe(
    "Invalid parameter type for '', expected: array",
  );
  expect(readResult<Schema, string>(testSchema, "nothing", { more: 1 })).toEqual({});
  expect(readEventData<Schema, string>(testSchema, "ENDED", { id: "a", more: 1 })).toEqual({ id: "a" });
  expect(readEventData<Schema, string>(testSchema, "BARE")).toEqual({});
  const data = { removal: { mode: "safe" }, kind: "qnum", words: [{ str: "x" }] };
  expect(readEventData<Schema, string>(testSchema, "REMOVED", data)).toEqual(data);
  expect(testSchema.commands["remove"]?.["allow-oob"]).toBe(true);
});

test("the code is as people would write it", () => {
  const text = generated.get("types.ts") ?? "";
  expect(text).toContain(`/**
 * A tree with \`children\`, and a *\\/ in its comment.
 *
 * @since 1.0
 */
export interface Tree extends Base {
  /**
   * what is
   * below it
   */
  children?: Tree[];
  /** @deprecated use the forest */
  "old-name"?: number | bigint;
}

export const Tree: qapi.StructTypeOf<Tree> = {
  base: () => Base,
  struct: () => ({ "*children": [Tree], "*old-name": "int" }),
};
`);
  expect(text).toContain(`export type Removal =
  | (RemovalBase & { mode: "hard" } & Hard)
  | (RemovalBase & { mode: "safe" })
  | (RemovalBase & { mode: "other" });

export const Removal: qapi.TypeOf<Removal> = {
  union: () => ({ mode: Mode, "*label": "str" }),
  discriminator: "mode",
  branches: () => ({ hard: Hard }),
};
`);
  expect(text).toContain("export type Ref = string | Tree | number[] | null;\n");
  expect(text).toContain(`export type QType = "none" | "qnull" |`);
  expect(generated.get("schema.ts")).toContain(`  remove: { arguments: types.Removal; returns: types.Tree[] };
  add: {
    arguments: {
      ref: types.Ref;
      size?: number | bigint;
      any?: unknown;
    };
    returns: types.Other;
  };
  open: {
    arguments: {
      driver: string;
      [more: string]: unknown;
    };
  };
  nothing: {};
`);
});

test("a name that is taken is not taken twice", () => {
  const schema =
    schemaOf(`{ 'struct': 'UuBase', 'data': {} } { 'enum': '__a.b_Ee', 'data': [ 'x' ] } { 'enum': '__a-b_Ee', 'data': [] }
    { 'union': 'Uu', 'base': { 'e': '__a.b_Ee' }, 'discriminator': 'e', 'data': { 'x': 'UuBase' } }`);
  const text = generateTypeScript(schema).get("types.ts") ?? "";
  expect(text).toContain("export interface UuBase {}\n");
  expect(text).toContain('export type Uu = UuBase2 & { e: "x" } & UuBase;\n');
  expect(text).toContain("export interface UuBase2 {\n  e: __a_b_Ee;\n}\n");
  expect(text).toContain("export type __a_b_Ee2 = never;\n");
});

test("a bundle has only what is used", async () => {
  const size = async (code: string): Promise<number> => {
    const input = join(folder, "entry.ts");
    writeFileSync(input, code);
    const build = await rolldown({ input, external: /^@rehandle/ });
    const { output } = await build.generate({ format: "esm" });
    await build.close();
    return output[0].code.length;
  };
  expect(await size(`import "./types.ts"; import "./schema.ts"; import "./introspection.ts";`)).toBeLessThan(100);
  const one = await size(`export { Mode } from "./types.ts";`);
  const more = await size(`export { Tree } from "./types.ts";`);
  const all = await size(`export { testSchema } from "./schema.ts";`);
  expect(one).toBeLessThan(200);
  expect(more).toBeLessThan(400);
  expect(all).toBeGreaterThan(1500);
});
