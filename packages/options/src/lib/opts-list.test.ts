import { describe, expect, test } from "vitest";
import { messageOf } from "../testing/message-of.ts";
import { readOpts } from "./opt-description.ts";
import { OptsList } from "./opts-list.ts";

const chardev = { backend: { type: "str" }, size: { type: "size" }, mux: { type: "bool" } } as const;

describe("a list of sets", () => {
  test("keeps them by id, and those without one as well", () => {
    const list = new OptsList({ name: "chardev", known: chardev, impliedKey: "backend" });
    list.add("null,id=a");
    list.add("ringbuf,size=1k,size=2k");
    list.add("x");
    expect(list.sets.map(({ id }) => id)).toEqual(["a", undefined, undefined]);
    expect(readOpts(chardev, list.find()?.options ?? [])).toEqual({ backend: "ringbuf", size: 2048 });
    expect(list.find("a")?.options).toEqual([{ key: "backend", value: "null" }]);
    expect(list.find("b")).toBeUndefined();
  });

  test("refuses an id that is taken, before it looks at the values", () => {
    const list = new OptsList({ name: "chardev", known: chardev });
    list.add("id=a");
    expect(messageOf(() => list.add("size=x,id=a"))).toBe("Duplicate ID 'a' for chardev");
    expect(messageOf(() => list.add("size=x,id=1x"))).toBe("Parameter 'id' expects an identifier");
  });

  test("has nothing of an argument that failed", () => {
    const list = new OptsList({ name: "chardev", known: chardev });
    expect(messageOf(() => list.add("id=a,mux=on,size=x"))).toMatch("'size' expects");
    expect(list.sets).toEqual([]);
    expect(list.add("id=a,mux=off").set?.options).toEqual([{ key: "mux", value: "off" }]);
  });

  test("finds the id where QEMU does: it knows of no implied key and no help then", () => {
    const list = new OptsList({ name: "chardev", known: chardev, impliedKey: "backend" });
    expect(list.add("id").set).toEqual({ id: "on", options: [{ key: "backend", value: "id" }] });
    expect(messageOf(() => list.add("null,help,id=1x"))).toBe("Parameter 'id' expects an identifier");
  });

  test("answers a cry for help and forgets the set", () => {
    const list = new OptsList({ name: "chardev", known: chardev });
    expect(list.add("id=a,mux=on,?,zz=1")).toEqual({
      set: undefined,
      help: "chardev options:\n  backend=<str>\n  mux=<bool (on/off)>\n  size=<size>",
      warnings: [],
    });
    expect(list.find("a")).toBeUndefined();
  });

  test("warns in the order of the text", () => {
    const list = new OptsList({ name: "chardev", known: chardev });
    expect(list.add("mux,size=0x1k,nomux,mux,size=0x1k,size=1k").warnings).toEqual([
      "short-form boolean option 'mux' deprecated",
      "Please use mux=on instead",
      "Using a multiplier suffix on hex numbers is deprecated: 0x1k",
      "short-form boolean option 'nomux' deprecated",
      "Please use mux=off instead",
    ]);
  });
});

describe("a list that merges", () => {
  const name = { guest: { type: "str" }, process: { type: "str" } } as const;

  test("adds every use to one set", () => {
    const list = new OptsList({ name: "name", known: name, impliedKey: "guest", merge: true });
    list.add("a");
    list.add("process=p,guest=b");
    expect(list.sets).toHaveLength(1);
    expect(readOpts(name, list.find()?.options ?? [])).toEqual({ guest: "b", process: "p" });
  });

  test("takes no id", () => {
    const list = new OptsList({ name: "name", known: name, merge: true });
    expect(messageOf(() => list.add("zz=1,id=a"))).toBe("Invalid parameter 'id'");
  });

  test.each(["process=p,zz=1", "process=p,help"])("loses all if '%s' comes", (text) => {
    const list = new OptsList({ name: "name", known: name, merge: true });
    list.add("guest=a");
    try {
      expect(list.add(text).help).toMatch("guest=<str>");
    } catch (error) {
      expect(error).toMatchObject({ message: "Invalid parameter 'zz'", code: "unexpected" });
    }
    expect(list.sets).toEqual([]);
    list.add("process=q");
    expect(list.find()?.options).toEqual([{ key: "process", value: "q" }]);
  });
});
