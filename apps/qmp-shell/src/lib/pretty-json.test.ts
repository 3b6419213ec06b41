import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPalette } from "./palette.ts";
import { compactJson, prettyJson } from "./pretty-json.ts";

const plain = createPalette(false);

describe("a value for people", () => {
  test.for([
    [{}, "{}"],
    [{ a: [1, 2n ** 63n, true, null] }, '{\n  "a": [1, 9223372036854775808, true, null]\n}'],
    [[{ long: "x".repeat(30), more: "y" }], `[\n  {\n    "long": "${"x".repeat(30)}",\n    "more": "y"\n  }\n]`],
    ["\u001b[31m\u009b\u202e€", String.raw`"\u001b[31m\u009B\u202E€"`],
  ] as const)("%s", ([value, expected]) => {
    expect(prettyJson(value, plain, 40)).toBe(expected);
  });

  test("is coloured by kind", () => {
    const text = compactJson({ a: "b", c: 1, d: null }, createPalette(true));
    expect(text.replaceAll("\u001b", "^")).toBe(
      '{^[34m"a"^[0m: ^[32m"b"^[0m, ^[34m"c"^[0m: ^[36m1^[0m, ^[34m"d"^[0m: ^[35mnull^[0m}',
    );
  });

  test("that is nested without end takes linear time and room", () => {
    let value: unknown = 1;
    for (let i = 0; i < 1000; i++) value = { value };
    expect(prettyJson(value, plain, 80).length).toBeLessThan(20_000);
  });
});

test("it is the same value, and holds nothing that a terminal would obey", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.integer({ min: 1, max: 200 }), (value, columns) => {
      for (const text of [prettyJson(value, plain, columns), compactJson(value, plain)]) {
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value).replaceAll(/\b-0\b/g, "0")));
        expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }
    }),
  );
});
