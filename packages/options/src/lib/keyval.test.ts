import { expect, test } from "vitest";
import { messageOf } from "../testing/message-of.ts";
import { parseKeyval } from "./keyval.ts";
import { unflatten } from "./keyval-flatten.ts";

test.each([
  ["", {}],
  ["a=1,", { a: "1" }],
  ["a.b=1,a.c=x,,y,d=", { a: { b: "1", c: "x,y" }, d: "" }],
  ["a=1,a=2", { a: "2" }],
  ["a.0=x,a.1=y", { a: ["x", "y"] }],
  ["a.1.b=y,a.0.b=x", { a: [{ b: "x" }, { b: "y" }] }],
  ["a.0.1=y,a.0.0=x", { a: [["x", "y"]] }],
  ["__com.redhat_x.y=1", { "__com.redhat_x": { y: "1" } }],
  ["help=1", { help: "1" }],
  ["id=1x", { id: "1x" }],
])("'%s'", (text, tree) => expect(structuredClone(parseKeyval(text).tree)).toEqual(tree));

test.each([
  ["raw", { driver: "raw" }],
  ["a.b c,x=1", { driver: "a.b c", x: "1" }],
  ["raw=", { raw: "" }],
  ["x=1", { x: "1" }],
])("'%s' with an implied key", (text, tree) => {
  expect(structuredClone(parseKeyval(text, { impliedKey: "driver" }).tree)).toEqual(tree);
});

test.each([
  [",", "Invalid parameter ''"],
  ["=x", "Invalid parameter ''"],
  ["a..b=1", "Invalid parameter 'a..b'"],
  [".a=1", "Invalid parameter '.a'"],
  ["a.=1", "Invalid parameter 'a.'"],
  ["0=1", "Invalid parameter '0'"],
  ["_x=1", "Invalid parameter '_x'"],
  ["a.0x=1", "Invalid parameter 'a.0x'"],
  ["a", "Expected '=' after parameter 'a'"],
  ["a.0", "Expected '=' after parameter 'a.0'"],
  ["a.1=x", "Parameter 'a.0' missing"],
  ["a.0=x,a.3=y", "Parameter 'a.1' missing"],
  ["a.b.2=x,a.b.c=y", "Parameters 'a.b.*' used inconsistently"],
  ["a=1,a.b=2", "Parameters 'a.*' used inconsistently"],
  ["a.b=1,a=2", "Parameters 'a.*' used inconsistently"],
  [`${"x".repeat(128)}=1`, `Parameter '${"x".repeat(128)}' is too long`],
  [`a.${"x".repeat(128)}=1`, `Parameter fragment '${"x".repeat(128)}' is too long`],
  ["help", "Help is not available for this option"],
])("'%s': %s", (text, message) => expect(messageOf(() => parseKeyval(text))).toBe(message));

test("help is found at any place, and the rest is parsed", () => {
  const { help, tree } = parseKeyval("help,a=1,?", { impliedKey: "driver", allowHelp: true });
  expect([help, { ...tree }]).toEqual([true, { a: "1" }]);
});

test("keys that would pollute a prototype are just keys", () => {
  const { tree } = parseKeyval("constructor.prototype.x=1,toString=2");
  expect(Object.keys(tree)).toEqual(["constructor", "toString"]);
  expect(Object.keys(unflatten(new Map([["__proto__.x", "1"]])))).toEqual(["__proto__"]);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("flat options that contradict each other", () => {
  expect(
    messageOf(() =>
      unflatten(
        new Map([
          ["a", "1"],
          ["a.b", "2"],
        ]),
      ),
    ),
  ).toBe("Cannot mix scalar and non-scalar keys");
  expect(
    messageOf(() =>
      unflatten(
        new Map([
          ["a.0", "1"],
          ["a.b", "2"],
        ]),
      ),
    ),
  ).toBe("Cannot mix list and non-list keys");
});
