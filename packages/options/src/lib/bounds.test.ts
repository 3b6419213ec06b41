import { expect, test } from "vitest";
import { messageOf } from "../testing/message-of.ts";
import { LONGEST_KEYS, MOST_OPTIONS } from "./bounds.ts";
import { scanUnfinished } from "./completion-scan.ts";
import { parseConfigFile } from "./config-file.ts";
import { defineOption } from "./define-option.ts";
import { parseFileName } from "./file-name.ts";
import { parseKeyval } from "./keyval.ts";
import { unflatten } from "./keyval-flatten.ts";
import { parseQemuOpts } from "./qemu-opts.ts";

const names = defineOption({ flag: "--names", types: { Names: { struct: { "*a": ["str"] } } }, type: "Names" });

/** `count` different pieces. */
function pieces(count: number, piece: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => piece(index));
}

/** What a parser makes of so many options, by the parser's name. */
const MAKERS: Readonly<Record<string, (count: number) => unknown>> = {
  keyval: (count) => parseKeyval(pieces(count, (i) => `a${i}=1`).join(",")),
  // The object `a` counts, and each of those in it.
  "keyval of objects": (count) => parseKeyval(pieces(count / 2 - 1, (i) => `a.b${i}.c=1`).join(",")),
  "open list": (count) => parseQemuOpts(pieces(count, () => "a").join(",")),
  "flat options": (count) => unflatten(new Map(pieces(count, (i) => `a${i}`).map((key) => [key, "1"]))),
  "json: name": (count) => parseFileName(`json:{"a":[${pieces(count, () => "1").join(",")}]}`),
  "configuration file": (count) => [
    ...parseConfigFile(`[drive]\n${pieces(count - 1, (i) => `a${i} = "1"\n`).join("")}`, "f"),
  ],
};

test.each(Object.entries(MAKERS))("%s: so many options, and not one more", (_name, make) => {
  expect(() => make(MOST_OPTIONS)).not.toThrow();
  expect(messageOf(() => make(MOST_OPTIONS + 2))).toBe("Too many options, there may be 16384");
});

test("a configuration file with too many has the line of the first that is one", () => {
  const text = `[drive]\n# ${'a = "1"\n'.repeat(MOST_OPTIONS + 1)}`;
  expect(() => [...parseConfigFile(text, "f")]).toThrow(
    expect.objectContaining({ code: "syntax", location: { file: "f", line: MOST_OPTIONS + 2 } }),
  );
});

test("an option that is given again is no further one in a tree", () => {
  expect(parseKeyval("a=1,".repeat(MOST_OPTIONS + 1)).tree["a"]).toBe("1");
});

test("completion knows the first of too many keys, and the last value of each", () => {
  const { given } = scanUnfinished(`${pieces(MOST_OPTIONS + 1, (i) => `a${i}=1`).join(",")},a0=2,`);
  expect([given.size, given.get("a0")]).toEqual([MOST_OPTIONS, "2"]);
});

test("a JSON text has so many tokens", () => {
  const parse = (elements: number): unknown => names.parse(`{"a":[${pieces(elements, () => '""').join(",")}]}`);
  expect(() => parse(2 * MOST_OPTIONS - 3)).not.toThrow();
  expect(messageOf(() => parse(2 * MOST_OPTIONS))).toBe("JSON token count limit exceeded");
});

test("the dotted keys of a JSON text have so many characters together", () => {
  const depth = 500;
  const name = (members: number): string =>
    `json:${'{"a":'.repeat(depth)}{${pieces(members, (i) => `"${1000 + i}":1`).join(",")}}${"}".repeat(depth)}`;
  const fitting = Math.floor(LONGEST_KEYS / (2 * depth + 4));
  expect(parseFileName(name(fitting)).options.size).toBe(fitting);
  expect(messageOf(() => parseFileName(name(fitting + 1)))).toBe("The options are nested too deep and too often");
});
