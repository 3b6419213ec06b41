import { JsonDouble } from "@rehandle/json";
import { describe, expect, expectTypeOf, test } from "vitest";
import { checkArguments } from "./check-arguments.ts";
import { isQmpError } from "./qmp-error.ts";
import type { ArgumentsOf } from "./schema-types.ts";

const schema = {
  types: {
    Color: { enum: ["red", "green"] },
    Base: { struct: { id: "str" } },
    Point: { base: "Base", struct: { x: "int", "*y": "uint8" } },
    Kind: { enum: ["point", "none"] },
    Shape: { union: { kind: "Kind", "*label": "str" }, discriminator: "kind", branches: { point: "Point" } },
    Ref: { alternate: { name: "str", index: "int", definition: "Point", many: ["str"], none: "null", on: "bool" } },
    Tree: { struct: { "*next": "Tree" } },
  },
  commands: {
    all: {
      data: { "*n": "number", "*i": "int", "*u": "uint64", "*b": "int8", "*a": "any", "*c": "Color", "*r": "Ref" },
    },
    list: { data: { points: ["Point"] } },
    shape: { data: "Shape" },
    tree: { data: "Tree" },
    nothing: {},
  },
  events: {},
} as const;

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isQmpError(error)) return error.desc;
    throw error;
  }
  throw new Error("accepted");
}

test("gives the values their types", () => {
  const u = 2n ** 64n - 1n;
  const checked = checkArguments(schema, "all", { n: new JsonDouble(1.5), i: 5, u, b: -128, a: [1], c: "red" });
  expect(checked).toEqual({ n: 1.5, i: 5, u, b: -128, a: [1], c: "red" });
  expect(checkArguments(schema, "all", { n: 2, u: -1 })).toEqual({ n: 2, u });
  expect(checkArguments(schema, "nothing")).toEqual({});
  expectTypeOf(checked.n).toEqualTypeOf<number | undefined>();
  expectTypeOf(checked.u).toEqualTypeOf<number | bigint | undefined>();
  expectTypeOf(checked.c).toEqualTypeOf<"red" | "green" | undefined>();
  expectTypeOf<ArgumentsOf<typeof schema, "shape">>().toEqualTypeOf<
    { kind: "point"; label?: string; id: string; x: number | bigint; y?: number } | { kind: "none"; label?: string }
  >();
});

describe("alternates", () => {
  test.each([["a"], [5], [true], [null], [["a"]], [{ id: "a", x: 1 }]])("take %j", (r) => {
    expect(checkArguments(schema, "all", { r })).toEqual({ r });
  });
});

test.each<["all" | "list" | "shape", unknown, string]>([
  ["all", { n: "1" }, "Invalid parameter type for 'n', expected: number"],
  ["all", { i: new JsonDouble(1) }, "Invalid parameter type for 'i', expected: integer"],
  ["all", { i: 2n ** 63n }, "Invalid parameter type for 'i', expected: integer"],
  ["all", { u: 2n ** 64n }, "Parameter 'u' expects uint64"],
  ["all", { b: 128 }, "Parameter 'b' expects int8_t"],
  ["all", { c: "blue" }, "Parameter 'c' does not accept value 'blue'"],
  ["all", { c: 1 }, "Invalid parameter type for 'c', expected: string"],
  ["all", { r: new JsonDouble(1.5) }, "Invalid parameter type for 'r', expected: integer"],
  ["all", { constructor: 1 }, "Parameter 'constructor' is unexpected"],
  ["list", {}, "Parameter 'points' is missing"],
  ["list", { points: {} }, "Invalid parameter type for 'points', expected: array"],
  ["list", { points: [5] }, "Invalid parameter type for 'points[0]', expected: object"],
  ["list", { points: [{ id: "a", x: 1 }, { id: "a" }] }, "Parameter 'points[1].x' is missing"],
  ["list", { points: [{ id: "a", x: 1, z: 1 }] }, "Parameter 'points[0].z' is unexpected"],
  ["shape", { kind: "point", id: "a" }, "Parameter 'x' is missing"],
  ["shape", { kind: "none", id: "a" }, "Parameter 'id' is unexpected"],
  ["shape", [], "Invalid parameter type for '', expected: object"],
])("%s %o: %s", (command, value, message) => {
  expect(messageOf(() => checkArguments(schema, command, value))).toBe(message);
});
