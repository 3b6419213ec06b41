import { describe, expect, test } from "vitest";
import { parseConfigFile, readConfigFile } from "./config-file.ts";
import type { KeyvalObject } from "./keyval-tree.ts";
import { formatOptionError, isOptionError } from "./option-error.ts";
import { OptsList } from "./opts-list.ts";

/** `GROUP/ID KEY=VALUE…` of every section. */
function sectionsOf(text: string): string[] {
  return [...parseConfigFile(text, "f")].map(
    ({ group, id, options }) => `${group}/${id ?? ""} ${[...options].map((option) => option.join("=")).join(" ")}`,
  );
}

describe("sections", () => {
  test.each([
    ["", []],
    ["# c\n\n[drive]\n", ["drive/ "]],
    ['[drive "a"]\n  file = "x"\n\n# c\n  if="none"\n', ['drive/a file=x if="none"=']],
    ['[drive "a"]\nfile = "x"\nfile = "y"\n[drive]\nif =\t"z"', ["drive/a file=y", "drive/ if=z"]],
    ['[chardev "a"]\nid = "b"\n', ["chardev/b "]],
    ['[ drive "a" junk\nk = "v" junk\n', ["drive/a k=v"]],
    ['[drive "a\nk = "v\n', ["drive/a\n k=v\n"]],
    ['[drive ""]\n', ['drive ""/ ']],
    ["[drive]\nfoo bar\n  k = v\n", ["drive/ foo= k="]],
    ['[drive]\nk = ""\n', ["drive/ k="]],
    ["[drive]\n[]\n", ["drive/ []="]],
    ['[drive]\na\0b = "x"\n', ["drive/ a="]],
    ['[drive]\nk = "a\\b"\r\n', ["drive/ k=a\\b"]],
    ['[__proto__ "constructor"]\n__proto__ = "x"\n', ["__proto__/constructor __proto__=x"]],
  ])("%j", (text, sections) => expect(sectionsOf(text)).toEqual(sections));

  test("QEMU has room for so many characters", () => {
    expect(sectionsOf(`[drive]\n${"k".repeat(70)}\n`)).toEqual([`drive/ ${"k".repeat(63)}=`]);
    const [section] = parseConfigFile(`[drive]\nk = "${"v".repeat(2000)}"\n`, "f");
    expect([...(section?.options ?? [])].map(([key, value]) => [key.length, value.length])).toEqual([
      [1, 1018],
      [63, 0],
    ]);
  });
});

function errorOf(text: string): string {
  const lists = [
    new OptsList({ name: "drive" }),
    new OptsList({ name: "chardev", known: { size: { type: "size" } } }),
    new OptsList({ name: "name", known: { guest: { type: "str" } }, merge: true }),
  ];
  try {
    readConfigFile(text, "f", { lists, onTree: () => {} });
  } catch (error) {
    if (isOptionError(error)) return formatOptionError(error).replace(/\n.*/s, "");
    throw error;
  }
  return "accepted";
}

describe("errors tell the line", () => {
  test.each([
    ["[drive]\n  \n", "f:2: parse error"],
    ["[drive]\n\0\n", "f:2: parse error"],
    ['\n\nk = "v"\n', "f:3: no group defined"],
    [' [drive "a"]\n', "f:1: no group defined"],
    ["[zz]\n", "There is no option group 'zz'"],
    ['[drive]\nk = "v"\n[zz]\n', "f:2: There is no option group 'zz'"],
    ['[drive "1x"]\nk = "v"', "f:2: Parameter 'id' expects an identifier"],
    ['[drive "a"]\nk = "v"\n\n[drive "a"]\n', "f:2: Duplicate ID 'a' for drive"],
    ['[chardev]\nsize = "1k"\nzz = "1"\n', "f:3: Invalid parameter 'zz'"],
    ['[chardev]\nsize = "x"\n\n\n', "f:2: Parameter 'size' expects a non-negative number below 2^64"],
    ['[name "a"]\nguest = "x"\n', "f:2: Invalid parameter 'id'"],
    ['[machine]\n0 = "x"\n', "f:2: Lists cannot be at top level of a configuration section"],
    ['[machine]\na.b = "x"\na = "y"\n', "f:3: Cannot mix scalar and non-scalar keys"],
    ["[machine]\n[object]\n", "accepted"],
  ])("%j: %s", (text, message) => expect(errorOf(text)).toBe(message));
});

test("sections become sets of their lists, and trees", () => {
  const drive = new OptsList({ name: "drive" });
  const name = new OptsList({ name: "name", merge: true });
  const trees: [string, KeyvalObject][] = [];
  const text = `
# two disks
[drive "a"]
  file = "x"
[name]
  guest = "vm"
[object "o"]
  qom-type = "authz-list"
  rules.0.match = "m"
[name]
  process = "p"
`;
  const warnings = readConfigFile(text, "f", {
    lists: [drive, name],
    onTree: (group, tree) => trees.push([group, structuredClone(tree)]),
  });
  expect(warnings).toEqual([]);
  expect(drive.find("a")?.options).toEqual([{ key: "file", value: "x" }]);
  expect(name.sets).toEqual([
    {
      id: undefined,
      options: [
        { key: "guest", value: "vm" },
        { key: "process", value: "p" },
      ],
    },
  ]);
  expect(trees).toEqual([["object", { "qom-type": "authz-list", rules: [{ match: "m" }], id: "o" }]]);
});

test("what is warned of before an error comes with it", () => {
  const known = { size: { type: "size" } } as const;
  const lists = [new OptsList({ name: "chardev", known })];
  let error: unknown;
  try {
    readConfigFile('[chardev "a"]\nsize = "0x1k"\n[chardev "b"]\nsize = "0x2k"\nzz = "1"\n', "f", { lists });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({
    location: { file: "f", line: 5 },
    warnings: [
      "Using a multiplier suffix on hex numbers is deprecated: 0x1k",
      "Using a multiplier suffix on hex numbers is deprecated: 0x2k",
    ],
  });
});
