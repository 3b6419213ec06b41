import { describe, expect, expectTypeOf, test } from "vitest";
import { defineOption } from "./define-option.ts";
import { formatOptionError, isOptionError, type OptionError } from "./option-error.ts";
import type { TypeOf } from "./type-of.ts";

/** Exported on purpose: a catalog has to be exportable as it is under isolatedDeclarations. */
export const types = {
  Driver: { enum: ["file", "nbd", "raw", "null", "rehandle"] },
  Discard: { enum: ["ignore", "unmap"] },
  Cache: { struct: { "*direct": "bool", "*no-flush": "bool" } },
  SocketType: { enum: ["inet", "unix"] },
  Inet: { struct: { host: "str", port: "str" } },
  Unix: { struct: { path: "str" } },
  SocketAddress: { union: { type: "SocketType" }, discriminator: "type", branches: { inet: "Inet", unix: "Unix" } },
  File: { struct: { filename: "str" }, help: "a regular file or a block device" },
  Nbd: { struct: { server: "SocketAddress", "*export": "str", "*reconnect-delay": "uint32" } },
  Format: { struct: { file: "BlockdevRef" } },
  Raw: { base: "Format", struct: { "*offset": "int", "*size": "size" } },
  Rehandle: {
    base: "Format",
    struct: {
      "*iohang-timeout": { type: "uint32", default: 0, unit: "s", help: "give up after this time" },
      "*retry-interval": { type: "uint64", min: 1, max: 60_000, unit: "ms" },
      "*events": ["str"],
    },
  },
  BlockdevOptions: {
    union: { driver: "Driver", "*node-name": "str", "*read-only": "bool", "*cache": "Cache", "*discard": "Discard" },
    discriminator: "driver",
    branches: { file: "File", nbd: "Nbd", raw: "Raw", rehandle: "Rehandle" },
  },
  BlockdevRef: { alternate: { definition: "BlockdevOptions", reference: "str" } },
} as const;

const blockdev = defineOption({
  flag: "--blockdev",
  types,
  type: "BlockdevOptions",
  impliedKey: "driver",
  help: "adds a block node",
});

function errorOf(argument: string): OptionError {
  try {
    blockdev.parse(argument);
  } catch (error) {
    if (isOptionError(error)) return error;
    throw error;
  }
  throw new Error(`accepted: ${argument}`);
}

test("a text that is no word of an alternate's enum is meant for its number", () => {
  const limits = {
    Forever: { enum: ["forever"] },
    Limit: { alternate: { word: "Forever", number: "uint64" } },
    Options: { struct: { limit: "Limit" } },
  } as const;
  const option = defineOption({ flag: "--limit", types: limits, type: "Options", impliedKey: "limit" });
  expect(option.parseValue("60")).toEqual({ limit: 60 });
  expect(option.parseValue("forever")).toEqual({ limit: "forever" });
  expect(option.fromJson({ limit: 60 })).toEqual({ limit: 60 });
  expect(() => option.parseValue("soon")).toThrow("Parameter 'limit' expects integer");
  expect(() => option.fromJson({ limit: "60" })).toThrow("Parameter 'limit' does not accept value '60'");
});

describe("one description", () => {
  test("parses keyval and JSON to the same value", () => {
    const keyval = blockdev.parseValue(
      "rehandle,node-name=disk,iohang-timeout=60,file.driver=nbd,file.server.type=unix,file.server.path=a,,b,events.0=x",
    );
    const json = blockdev.parseValue(
      '{"driver":"rehandle","node-name":"disk","iohang-timeout":60,"events":["x"],' +
        '"file":{"driver":"nbd","server":{"type":"unix","path":"a,b"}}}',
    );
    expect(keyval).toEqual(json);
    expect(keyval).toEqual({
      driver: "rehandle",
      "node-name": "disk",
      "iohang-timeout": 60,
      events: ["x"],
      file: { driver: "nbd", server: { type: "unix", path: "a,b" } },
    });
  });

  test("gives the TypeScript type", () => {
    const value = blockdev.parseValue("driver=rehandle,file=x");
    if (value.driver !== "rehandle") throw new Error("not narrowed");
    expectTypeOf(value["iohang-timeout"]).toEqualTypeOf<number>();
    expectTypeOf(value["retry-interval"]).toEqualTypeOf<number | undefined>();
    expectTypeOf(value.events).toEqualTypeOf<string[] | undefined>();
    expectTypeOf(value.file).toEqualTypeOf<TypeOf<typeof types, "BlockdevRef">>();
    expectTypeOf<TypeOf<typeof types, "Inet">>().toEqualTypeOf<{ host: string; port: string }>();
    expectTypeOf<Extract<TypeOf<typeof types, "BlockdevOptions">, { driver: "raw" }>["size"]>().toEqualTypeOf<
      number | bigint | undefined
    >();
    expect(value["iohang-timeout"]).toBe(0);
  });

  test("keeps sizes and integers above 2^53 exact", () => {
    const value = blockdev.parseValue("raw,file=x,size=16777215T,offset=9223372036854775807");
    expect(value).toEqual({ driver: "raw", file: "x", size: 16777215n * 2n ** 40n, offset: 2n ** 63n - 1n });
  });
});

test.each([
  ["node-name=x", "Parameter 'driver' is missing"],
  ["", "Parameter 'driver' is missing"],
  ["{}", "Parameter 'driver' is missing"],
  ["driver=", "Parameter 'driver' does not accept value ''"],
  ["null,zzz=1", "Parameter 'zzz' is unexpected"],
  ["raw,file.0=x", "Invalid parameter type for 'file', expected: BlockdevRef"],
  ['{"driver":"raw","file":5}', "Invalid parameter type for 'file', expected: BlockdevRef"],
  ["raw,file=x,offset=1.5k", "Parameter 'offset' expects integer"],
  ["raw,file=x,offset.x=2", "Parameters 'offset.*' are unexpected"],
  ['{"driver":"raw","file":"x","offset":1.0}', "Invalid parameter type for 'offset', expected: integer"],
  [
    '{"driver":"raw","file":"x","offset":9223372036854775808}',
    "Invalid parameter type for 'offset', expected: integer",
  ],
  ["raw,file=x,size=1kb", "Parameter 'size' expects size"],
  ['{"driver":"raw","file":"x","size":"1k"}', "Parameter 'size' expects uint64"],
  ["rehandle,file=x,iohang-timeout=-1", "Parameter 'iohang-timeout' expects uint32_t"],
  ["rehandle,file=x,iohang-timeout=x", "Parameter 'iohang-timeout' expects integer"],
  ['{"driver":"rehandle","file":"x","iohang-timeout":4294967296}', "Parameter 'iohang-timeout' expects uint32_t"],
  ["rehandle,file=x,retry-interval=0", "Parameter 'retry-interval' expects a number from 1 to 60000"],
  ["null,read-only=maybe", "Parameter 'read-only' expects 'on' or 'off'"],
  ["null,cache.direct=maybe", "Parameter 'cache.direct' expects 'on' or 'off'"],
  ['{"driver":"null","cache":{"direct":1}}', "Invalid parameter type for 'cache.direct', expected: boolean"],
  ["null,cache=x", "Invalid parameter type for 'cache', expected: object"],
  ["rehandle,file=x,events=x", "Invalid parameter type for 'events', expected: array"],
  ["null,discard=x", "Parameter 'discard' does not accept value 'x'"],
  ["rehandle,file.driver=zz", "Parameter 'driver' does not accept value 'zz'"],
  ["rehandle,file.driver=null,file.zz=1", "Parameter 'file.zz' is unexpected"],
  ['{"driver":"null"}x', "Expecting at most one JSON value"],
  ['{"driver":"null"', "JSON parse error, premature EOI"],
  ["help", "Help is not available for this option"],
])("%s", (argument, message) => {
  expect(errorOf(argument).message).toBe(message);
});

test("an unknown key is answered with the nearest known one, below QEMU's text", () => {
  expect(formatOptionError(errorOf("rehandle,file=x,iohang_timeuot=5"))).toBe(
    "Parameter 'iohang_timeuot' is unexpected\nDid you mean 'iohang-timeout'?",
  );
  expect(errorOf("null,zzzzzzzz=5").hints).toEqual([]);
  expect(errorOf("rehandel").hints).toEqual(["Did you mean 'rehandle'?"]);
});

test("keys that would pollute a prototype are just keys", () => {
  expect(errorOf('{"driver":"null","__proto__":{"x":1}}').message).toBe("Parameter '__proto__' is unexpected");
  expect(errorOf("null,constructor.prototype.x=1").message).toBe("Parameter 'constructor' is unexpected");
  expect(errorOf("toString").message).toBe("Parameter 'driver' does not accept value 'toString'");
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("members are those of the object itself, though it has a prototype", () => {
  const named = { Named: { struct: { "*constructor": "str", "*toString": "str" } } } as const;
  const option = defineOption({ flag: "-x", types: named, type: "Named" });
  expect(Object.keys(option.fromJson({}))).toEqual([]);
  expect(option.parseValue("toString=1")).toMatchObject({ toString: "1" });
});

describe("help", () => {
  const withHelp = defineOption({
    flag: "--blockdev",
    types,
    type: "BlockdevOptions",
    impliedKey: "driver",
    allowHelp: true,
  });

  test("lists the members and the choices", () => {
    const parsed = withHelp.parse("help");
    expect(() => withHelp.parse("driver=help")).toThrow("Parameter 'driver' does not accept value 'help'");
    expect(parsed).toEqual({ kind: "help", text: withHelp.helpText() });
    expect(withHelp.helpText().split("\n")).toEqual([
      "--blockdev options:",
      "  driver=<file|nbd|raw|null|rehandle> - (required)",
      "  node-name=<str>",
      "  read-only=<on|off>",
      "  cache=<Cache>",
      "  discard=<ignore|unmap>",
      "  driver=file            - a regular file or a block device",
      "  driver=nbd",
      "  driver=raw",
      "  driver=rehandle",
    ]);
  });

  test("lists the members of a choice", () => {
    const parsed = withHelp.parse("rehandle,help");
    if (parsed.kind !== "help") throw new Error("no help");
    expect(parsed.text.split("\n").slice(6)).toEqual([
      "  file=<BlockdevOptions|str> - (required)",
      "  iohang-timeout=<uint32> - give up after this time (in s, default 0)",
      "  retry-interval=<uint64> - (in ms, 1 to 60000)",
      "  events=<list of str>",
    ]);
  });
});
