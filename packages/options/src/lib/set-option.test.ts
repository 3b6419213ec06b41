import { expect, test } from "vitest";
import { messageOf } from "../testing/message-of.ts";
import { formatOptionError, isOptionError } from "./option-error.ts";
import { OptsList } from "./opts-list.ts";
import { setOption } from "./set-option.ts";

function listsWithSets(): { drive: OptsList; lists: OptsList[] } {
  const drive = new OptsList({ name: "drive" });
  const chardev = new OptsList({ name: "chardev", known: { backend: { type: "str" }, size: { type: "size" } } });
  drive.add("id=a,file=x");
  chardev.add("id=a");
  return { drive, lists: [drive, chardev] };
}

test.each([
  ["drive.a.file=y", "file", "y"],
  ["drive.a.x.y=1", "x.y", "1"],
  ["drive.a.file==1,,2", "file", "=1,,2"],
  ["drive.a.id=b", "id", "b"],
  ["drive.a. k =", " k ", ""],
])("%s", (text, key, value) => {
  const { drive, lists } = listsWithSets();
  expect(setOption(lists, text)).toEqual([]);
  expect(drive.find("a")?.options).toEqual([
    { key: "file", value: "x" },
    { key, value },
  ]);
});

test.each([
  ["a", `can't parse: "a"`],
  ["drive.a.b", `can't parse: "drive.a.b"`],
  ["drive..c=d", `can't parse: "drive..c=d"`],
  ["drive.a.=1", `can't parse: "drive.a.=1"`],
  [`drive.${"a".repeat(64)}.b=1`, `can't parse: "drive.${"a".repeat(64)}.b=1"`],
  ["zz.b.c=d", "There is no option group 'zz'"],
  ["__proto__.b.c=d", "There is no option group '__proto__'"],
  ["object.b.c=d", "-set is not supported with object"],
  ["drive.b.c=d", 'there is no drive "b" defined'],
  ["chardev.a.zz=1", "Invalid parameter 'zz'"],
  ["chardev.a.size=1x", "Parameter 'size' expects a non-negative number below 2^64"],
])("%s: %s", (text, message) => expect(messageOf(() => setOption(listsWithSets().lists, text))).toBe(message));

test("warns as the list does, and suggests a group", () => {
  expect(setOption(listsWithSets().lists, "chardev.a.size=0x1k")).toHaveLength(1);
  let text = "";
  try {
    setOption(listsWithSets().lists, "drives.a.b=c");
  } catch (error) {
    if (isOptionError(error)) text = formatOptionError(error);
  }
  expect(text).toBe("There is no option group 'drives'\nDid you mean 'drive'?");
});
