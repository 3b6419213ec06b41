import { describe, expect, test } from "vitest";
import { messageOf } from "../testing/message-of.ts";
import { readOpts } from "./opt-description.ts";
import { formatOptsHelp } from "./opts-help.ts";
import { joinOptionLists, parseQemuOpts } from "./qemu-opts.ts";

/** `key=value` of every option in order. */
function listOf(text: string, impliedKey?: string): string[] {
  const { options } = parseQemuOpts(text, impliedKey === undefined ? {} : { impliedKey });
  return options.map(({ key, value }) => `${key}=${value}`);
}

describe("an open list", () => {
  test.each([
    ["", []],
    ["a=1,b=2", ["a=1", "b=2"]],
    ["a=1,", ["a=1"]],
    ["a=x=y", ["a=x=y"]],
    ["a= 1 ,b=", ["a= 1 ", "b="]],
    ["a=x,,y", ["a=x,y"]],
    ["a=x,,,b=y", ["a=x,", "b=y"]],
    ["a=x,,,,b=y", ["a=x,,b=y"]],
    ["a,,b=1", ["a=on", "=on", "b=1"]],
    [",a=1", ["=on", "a=1"]],
    [" a b.c é=1", [" a b.c é=1"]],
    ["a=1,a=2", ["a=1", "a=2"]],
    ["node", ["de=off"]],
    ["nono", ["no=off"]],
    ["no", ["=off"]],
    ["help", ["help=on"]],
    ["__proto__=1,constructor", ["__proto__=1", "constructor=on"]],
  ])("'%s'", (text, options) => expect(listOf(text)).toEqual(options));

  test.each([
    ["x.img", ["file=x.img"]],
    ["x,,y,a=1", ["file=x,y", "a=1"]],
    ["n=3,x.img", ["n=3", "x.img=on"]],
    [",x=1", ["file=", "x=1"]],
    ["help,x=1", ["file=help", "x=1"]],
  ])("'%s' with an implied key", (text, options) => expect(listOf(text, "file")).toEqual(options));

  test("is named by its first id", () => {
    expect(parseQemuOpts("a=1,id=x,id=y")).toMatchObject({ id: "x", options: [{ key: "a", value: "1" }] });
    expect(parseQemuOpts("noid").id).toBe("off");
    expect(messageOf(() => parseQemuOpts("id=1x"))).toBe("Parameter 'id' expects an identifier");
  });

  test("warns of short-form booleans, but not of help", () => {
    expect(parseQemuOpts("nodelay,delay,snapshot,help,?").warnings).toEqual([
      "short-form boolean option 'nodelay' deprecated",
      "Please use nodelay=on instead",
      "short-form boolean option 'delay' deprecated",
      "Please use nodelay=off instead",
      "short-form boolean option 'snapshot' deprecated",
      "Please use snapshot=on instead",
    ]);
  });
});

test("qemu-img's sets have no name, and its options may be repeated", () => {
  expect(parseQemuOpts("id=1x,a=1", { nameless: true })).toMatchObject({ id: undefined, options: [{ key: "a" }] });
  expect(joinOptionLists(["a=1", "b=2,,", "c=,,,,"])).toBe("a=1,b=2,,,c=,,,,");
  for (const text of ["", ",", ",,", ",a", ",,a", "a,", "a,,,"]) {
    expect(messageOf(() => joinOptionLists([text]))).toBe(`Invalid option list: ${text}`);
  }
});

describe("a closed list", () => {
  const known = {
    size: { type: "size", help: "Virtual disk size" },
    nocow: { type: "bool", default: "off" },
    backing_file: { type: "str", help: "File name of a base image" },
  } as const;

  test.each([
    ["zz=1", "Invalid parameter 'zz'"],
    ["Size=1", "Invalid parameter 'Size'"],
    ["constructor=1", "Invalid parameter 'constructor'"],
    [",size=1", "Invalid parameter ''"],
    ["zz=1,help", "Invalid parameter 'zz'"],
    ["nocow=1,size=x", "Parameter 'nocow' expects 'on' or 'off'"],
    ["size", "Parameter 'size' expects a non-negative number below 2^64"],
  ])("'%s': %s", (text, message) => {
    expect(messageOf(() => parseQemuOpts(text, { known }))).toBe(message);
  });

  test("stops at a cry for help", () => {
    expect(parseQemuOpts("size=1,help,zz=1", { known })).toMatchObject({ help: true, options: [{ key: "size" }] });
    expect(messageOf(() => parseQemuOpts("help=on", { known }))).toBe("Invalid parameter 'help'");
  });

  test("gives typed values, the last of each key", () => {
    const values = readOpts(known, parseQemuOpts("size=1k,size=2k,backing_file=a", { known }).options);
    expect(values).toEqual({ size: 2048, nocow: false, backing_file: "a" });
    const nocow: boolean = values.nocow;
    const size: number | bigint | undefined = values.size;
    expect([nocow, size]).toEqual([false, 2048]);
  });

  test("is printed as QEMU does", () => {
    expect(formatOptsHelp(known, "create").split("\n")).toEqual([
      "create options:",
      "  backing_file=<str>     - File name of a base image",
      "  nocow=<bool (on/off)>",
      "  size=<size>            - Virtual disk size",
    ]);
    expect([formatOptsHelp({}, "x"), formatOptsHelp({})]).toEqual([
      "There are no options for x.",
      "No options available.",
    ]);
  });
});
