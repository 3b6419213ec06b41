import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { largeSchema } from "../../testing/large-schema.ts";
import { generateTypeScript } from "../schema-generator/generate-typescript.ts";
import { introspectSchema } from "./introspect-schema.ts";
import { readQapiSchema } from "./read-schema.ts";

const MIB = 1024 * 1024;

/** Reads a schema and does all that can be done with it. Any error but that of a schema is passed on. */
function tryAll(text: string): "read" | "refused" {
  try {
    const schema = readQapiSchema("a.json", (path) => (path === "a.json" ? text : undefined));
    introspectSchema(schema);
    generateTypeScript(schema);
    return "read";
  } catch (error) {
    if (error instanceof Error && error.name === "QapiSchemaError") return "refused";
    throw error;
  }
}

const size = { files: 2, enums: 3, structs: 12, unions: 2, alternates: 2, commands: 4, events: 2 };
const valid = [...largeSchema(size, 3).values()].at(-1) ?? "";
const tokens = valid.split(/(?=[\s'{}[\]:,#])|(?<=[\s'{}[\]:,#])/);

test("a schema with pieces missing, doubled or moved is read or refused", () => {
  const places = fc.array(fc.tuple(fc.nat(tokens.length), fc.nat(tokens.length), fc.nat(3)), {
    minLength: 1,
    maxLength: 6,
  });
  const seen = new Set<string>();
  const property = fc.property(places, (edits) => {
    const parts = [...tokens];
    for (const [at, from, kind] of edits) {
      if (kind === 0) parts.splice(at, 1);
      else if (kind === 1) parts[at] = tokens[from] ?? "";
      else if (kind === 2) parts.splice(at, 0, tokens[from] ?? "");
      else parts.splice(at, 1, ...tokens.slice(from, from + 20));
    }
    seen.add(tryAll(parts.join("")));
  });
  expect(fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false });
  expect([...seen].toSorted()).toEqual(["read", "refused"]);
});

test("definitions of the right words in any order are read or refused", () => {
  const names = fc.constantFrom(
    "Aa",
    "Bb",
    "Cc",
    "a",
    "b",
    "str",
    "int",
    "EV",
    "*a",
    "__proto__",
    "constructor",
    "toString",
    "QType",
    "",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      names.map((name) => `'${name}'`),
      fc.constantFrom("true", "false"),
      fc.array(tie("value"), { maxLength: 3 }).map((items) => `[ ${items.join(", ")} ]`),
      fc
        .array(
          fc.tuple(
            fc.oneof(names, fc.constantFrom("type", "name", "if", "all", "any", "not", "features")),
            tie("value"),
          ),
          { maxLength: 3 },
        )
        .map(objectOf),
    ),
  }));
  const keys = fc.constantFrom(
    "data",
    "base",
    "discriminator",
    "if",
    "features",
    "returns",
    "boxed",
    "gen",
    "include",
    "pragma",
  );
  const kinds = fc.constantFrom("enum", "struct", "union", "alternate", "command", "event");
  const definition = fc
    .tuple(kinds, names, fc.array(fc.tuple(keys, value), { maxLength: 4 }))
    .map(([kind, name, rest]) => objectOf([[kind, `'${name}'`], ...rest]));
  const property = fc.property(
    fc.array(definition, { maxLength: 5 }),
    (definitions) => void tryAll(definitions.join("\n")),
  );
  expect(fc.check(property, { numRuns: 2000 })).toMatchObject({ failed: false });
});

test("any text is refused or, if it is nothing but comments, read", () => {
  const text = fc
    .array(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.constantFrom("##\n", "# @a:\n", "# a: b\n", "#\n", "{", "'", "}", "\\", "\t"),
      ),
    )
    .map((parts) => parts.join(""));
  expect(
    fc.check(
      fc.property(text, (source) => void tryAll(source)),
      { numRuns: 1000 },
    ),
  ).toMatchObject({ failed: false });
});

describe("1 MiB of hostile text takes no longer than 1 MiB of any", () => {
  const repeat = (one: (i: number) => string, limit = MIB): string => {
    const parts: string[] = [];
    for (let i = 0, length = 0; length < limit; i++, length += parts.at(-1)?.length ?? limit) parts.push(one(i));
    return parts.join("");
  };
  /** Half of it members, the other half what uses them all. */
  const many = (one: (i: number) => string, user: (i: number) => string): string =>
    repeat(one, MIB / 2).slice(0, -2) + repeat(user, MIB / 2);

  test.each<[string, string]>([
    ["open brackets", "[".repeat(MIB)],
    ["open braces", "{'a':".repeat(MIB / 5)],
    ["an endless word", "x".repeat(MIB)],
    ["an endless string", `'${"x".repeat(MIB)}`],
    ["backslashes", `{ 'a': '${"\\\\".repeat(MIB / 2)}' }`],
    ["tabs before a mistake", `${"\t".repeat(MIB)}%`],
    ["empty lines", "\n".repeat(MIB)],
    ["an endless comment", `##\n# @a:\n${"#\n".repeat(MIB / 2)}##\n{ 'command': 'a' }`],
    ["spaces in a comment", `##\n# @a:\n# @b: ${" ".repeat(MIB)}\n##\n`],
    ["colons in a comment", `##\n# @a:\n# @b${":".repeat(MIB)}\n##\n`],
    ["members in a comment", `##\n# @a:\n${repeat((i) => `# @m${i}: x\n`)}##\n{ 'command': 'a' }`],
    ["an endless name", `{ 'command': '${"a-".repeat(MIB / 2)}' }`],
    ["an endless prefix", `{ 'command': '__${"a.".repeat(MIB / 2)}' }`],
    ["commands", repeat((i) => `{ 'command': 'c-${i}' }`)],
    ["members", `{ 'struct': 'Aa', 'data': { ${repeat((i) => `'m${i}': 'str', `)}'z': 'Bb' } }`],
    ["values", `{ 'enum': 'Aa', 'data': [ ${repeat((i) => `'v${i}', `)}'v0' ] }`],
    ["keys", `{ ${repeat((i) => `'k${i}': true, `)}'k0': true }`],
    ["a deep base", repeat((i) => `{ 'struct': 'S${i}a', 'data': {}, 'base': 'S${i + 1}a' }`)],
    [
      "a wide base",
      `{ 'struct': 'Bb', 'data': { ${many(
        (i) => `'m${i}': 'str', `,
        (i) => `${i ? "" : "} }"}{ 'struct': 'S${i}a', 'data': {}, 'base': 'Bb' }`,
      )}`,
    ],
    [
      "wide branches",
      `{ 'enum': 'Ee', 'data': [ 'x' ] } { 'struct': 'Bb', 'data': { ${many(
        (i) => `'m${i}': 'str', `,
        (i) =>
          `${i ? "" : "} }"}{ 'union': 'U${i}a', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'x': 'Bb' } }`,
      )}`,
    ],
    [
      "a wide base and narrow branches",
      `{ 'enum': 'Ee', 'data': [ 'x' ] } { 'struct': 'Bb', 'data': { 'e': 'Ee', ${many(
        (i) => `'m${i}': 'str', `,
        (i) =>
          `${i ? "" : "} }"}{ 'struct': 'S${i}a', 'data': {} }{ 'union': 'U${i}a', 'base': 'Bb', 'discriminator': 'e', 'data': { 'x': 'S${i}a' } }`,
      )}`,
    ],
    [
      "a wide base and a wide branch",
      `{ 'enum': 'Ee', 'data': [ 'x' ] } { 'struct': 'Ss', 'data': { 'z': 'str'${repeat((i) => `, 's${i}': 'str'`, MIB / 4)} } } { 'struct': 'Bb', 'data': { 'e': 'Ee', ${many(
        (i) => `'m${i}': 'str', `,
        (i) => `${i ? "" : "} }"}{ 'union': 'U${i}a', 'base': 'Bb', 'discriminator': 'e', 'data': { 'x': 'Ss' } }`,
      )}`,
    ],
    [
      "a wide discriminator",
      `{ 'enum': 'Ee', 'data': [ ${many(
        (i) => `'v${i}', `,
        (i) => `${i ? "" : "] }"}{ 'union': 'U${i}a', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': {} }`,
      )}`,
    ],
    [
      "alternates of a wide enum",
      `{ 'enum': 'Ee', 'data': [ ${many(
        (i) => `'v${i}', `,
        (i) => `${i ? "" : "] }"}{ 'alternate': 'A${i}a', 'data': { 'e': 'Ee' } }`,
      )}`,
    ],
  ])("%s", { timeout: 300_000 }, (name, text) => {
    const start = performance.now();
    let outcome = "read";
    try {
      readQapiSchema("a.json", (path) => (path === "a.json" ? text : undefined));
    } catch (error) {
      expect(error).toMatchObject({ name: "QapiSchemaError" });
      outcome = "refused";
    }
    // Each takes less than half a second on a quiet machine; in quadratic time it would be minutes.
    expect(performance.now() - start).toBeLessThan(25_000);
    expect(outcome).toBe(READABLE.has(name) ? "read" : "refused");
  });
});

/** Of the hostile texts those that have no mistake, so that every check looks at all of them. */
const READABLE = new Set([
  "empty lines",
  "an endless comment",
  "an endless name",
  "commands",
  "a wide base",
  "a wide base and narrow branches",
  "a wide base and a wide branch",
  "a wide discriminator",
  "alternates of a wide enum",
  "wide branches",
]);

function objectOf(members: readonly (readonly [string, unknown])[]): string {
  return `{ ${members.map(([key, value]) => `'${key}': ${String(value)}`).join(", ")} }`;
}
