import { expect, test } from "vitest";
import { schemaOf } from "../../testing/schema-files.ts";
import { introspectSchema } from "./introspect-schema.ts";
import { formatCondition } from "./schema-condition.ts";
import { selectDefined } from "./select-defined.ts";

const SCHEMA = `
{ 'enum': 'Mode', 'data': [ 'safe', { 'name': 'hard', 'features': [ 'deprecated' ] } ] }
{ 'struct': 'Base', 'data': { 'id': 'str', '*next': 'Tree' }, 'features': [ 'fast' ] }
{ 'struct': 'Tree', 'base': 'Base', 'data': { 'sizes': [ 'uint8' ], 'old': { 'type': 'size', 'features': [ 'unstable' ] } } }
{ 'union': 'Removal', 'base': { 'mode': 'Mode' }, 'discriminator': 'mode', 'data': { 'hard': 'Tree' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'tree': 'Tree', 'flags': [ 'bool' ] } }
{ 'struct': 'Unused', 'data': {} }
{ 'command': 'a', 'data': { 'ref': 'Ref', '*any': 'any' }, 'returns': [ 'Tree' ], 'allow-oob': true, 'features': [ 'deprecated' ] }
{ 'command': 'b', 'data': {} }
{ 'event': 'EV', 'data': 'Removal', 'boxed': true }
`;

const TREE = [
  { name: "id", type: "str" },
  { name: "next", type: "Tree", default: null },
  { name: "sizes", type: "[int]" },
  { name: "old", type: "int", features: ["unstable"] },
];

test("says what QEMU would say", () => {
  expect(introspectSchema(schemaOf(SCHEMA), { unmask: true })).toEqual([
    {
      name: "a",
      "meta-type": "command",
      "arg-type": "q_obj_a-arg",
      "ret-type": "[Tree]",
      "allow-oob": true,
      features: ["deprecated"],
    },
    { name: "b", "meta-type": "command", "arg-type": "q_empty", "ret-type": "q_empty" },
    { name: "EV", "meta-type": "event", "arg-type": "Removal" },
    {
      name: "q_obj_a-arg",
      "meta-type": "object",
      members: [
        { name: "ref", type: "Ref" },
        { name: "any", type: "any", default: null },
      ],
    },
    { name: "[Tree]", "meta-type": "array", "element-type": "Tree" },
    { name: "Tree", "meta-type": "object", members: TREE },
    { name: "q_empty", "meta-type": "object", members: [] },
    {
      name: "Removal",
      "meta-type": "object",
      members: [{ name: "mode", type: "Mode" }],
      tag: "mode",
      variants: [
        { case: "hard", type: "Tree" },
        { case: "safe", type: "q_empty" },
      ],
    },
    { name: "Ref", "meta-type": "alternate", members: [{ type: "str" }, { type: "Tree" }, { type: "[bool]" }] },
    { name: "any", "meta-type": "builtin", "json-type": "value" },
    { name: "str", "meta-type": "builtin", "json-type": "string" },
    { name: "[int]", "meta-type": "array", "element-type": "int" },
    { name: "int", "meta-type": "builtin", "json-type": "int" },
    {
      name: "Mode",
      "meta-type": "enum",
      members: [{ name: "safe" }, { name: "hard", features: ["deprecated"] }],
      values: ["safe", "hard"],
    },
    { name: "[bool]", "meta-type": "array", "element-type": "bool" },
    { name: "bool", "meta-type": "builtin", "json-type": "boolean" },
  ]);
});

test("types have numbers unless names are asked for", () => {
  const masked = introspectSchema(schemaOf(SCHEMA));
  const names = masked.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual([
    "a",
    "b",
    "EV",
    "0",
    "[1]",
    "1",
    "2",
    "3",
    "4",
    "any",
    "str",
    "[int]",
    "int",
    "5",
    "[bool]",
    "bool",
  ]);
  expect(masked[0]).toMatchObject({ "arg-type": "0", "ret-type": "[1]" });
});

const CONDITIONAL = `
{ 'enum': 'Ee', 'data': [ 'x', { 'name': 'y', 'if': 'AA' } ], 'if': { 'any': [ 'BB', { 'not': 'CC' } ] } }
{ 'struct': 'Ss', 'data': { 'a': { 'type': 'str', 'if': { 'all': [ 'AA', 'BB' ] } }, 'b': { 'type': 'int', 'features': [ { 'name': 'f', 'if': 'AA' }, 'g' ] } } }
{ 'union': 'Uu', 'base': { 'e': 'QType', 'c': { 'type': 'int', 'if': 'AA' } }, 'discriminator': 'e', 'data': { 'qnum': { 'type': 'Ss', 'if': 'AA' } } }
{ 'alternate': 'Al', 'data': { 'a': 'str', 'b': { 'type': 'Ss', 'if': 'AA' } } }
{ 'command': 'c', 'data': { 'a': { 'type': 'Ee', 'if': 'BB' } }, 'features': [ { 'name': 'f', 'if': 'AA' } ] }
{ 'event': 'EV', 'if': 'AA' }
`;

function namesWith(...defined: string[]): string {
  const { definitions } = selectDefined(schemaOf(CONDITIONAL), new Set(defined));
  const text = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (key, item: unknown) => (["place", "doc", "condition"].includes(key) ? undefined : item)),
    );
  const names = JSON.stringify(text(definitions)).matchAll(/"(?:name|kind)":"([^"]*)"/g);
  return [...names].map(([, name]) => name).join(" ");
}

test("leaves out what has a false condition", () => {
  const all =
    "enum Ee x y struct Ss a str b int f g union Uu e QType c int qnum Ss alternate Al a str b Ss command c a Ee f event EV";
  const order = (names: string): string[] => names.split(" ").toSorted();
  expect(order(namesWith("AA", "BB"))).toEqual(order(all));
  expect(order(namesWith("BB", "CC"))).toEqual(
    order("enum Ee x struct Ss b int g union Uu e QType alternate Al a str command c a Ee"),
  );
  expect(order(namesWith("CC"))).toEqual(order("struct Ss b int g union Uu e QType alternate Al a str command c"));
  expect(order(namesWith("AA"))).toEqual(
    order(
      "enum Ee x y struct Ss b int f g union Uu e QType c int qnum Ss alternate Al a str b Ss command c f event EV",
    ),
  );
});

test("what stays may not use what goes", () => {
  const text = "{ 'enum': 'Ee', 'data': [], 'if': 'AA' }\n{ 'command': 'c', 'data': { 'a': [ 'Ee' ] } }";
  expect(selectDefined(schemaOf(text), new Set(["AA"])).definitions).toHaveLength(2);
  expect(() => selectDefined(schemaOf(text), new Set())).toThrow(
    "schema.json: In command 'c':\nschema.json:2: type 'Ee' is used where its 'if' condition is false",
  );
});

test("conditions in words", () => {
  const all = [{ symbol: "A" }, { not: { any: [{ symbol: "B" }, { symbol: "C" }] } }];
  expect(formatCondition({ all })).toBe("A and not (B or C)");
  expect(formatCondition({ any: [{ all }, { symbol: "D" }] })).toBe("(A and not (B or C)) or D");
  expect(formatCondition({ all: [{ any: [{ symbol: "A" }] }] })).toBe("A");
});
