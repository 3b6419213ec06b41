import fc from "fast-check";
import { MOST_OPTIONS } from "../lib/bounds.ts";
import { completeCommandLine } from "../lib/complete-option.ts";
import { readConfigFile } from "../lib/config-file.ts";
import { defineOption } from "../lib/define-option.ts";
import { driveOptionError } from "../lib/drive-error.ts";
import { parseDrive } from "../lib/drive.ts";
import { parseFileName } from "../lib/file-name.ts";
import { unflatten, type FlatOptions } from "../lib/keyval-flatten.ts";
import { mergeKeyval } from "../lib/keyval-merge.ts";
import { parseKeyval } from "../lib/keyval.ts";
import { isOptionError } from "../lib/option-error.ts";
import { OptsList } from "../lib/opts-list.ts";
import { joinOptionLists, parseQemuOpts } from "../lib/qemu-opts.ts";
import { checkId, parseBool, parseNumber, parseSize } from "../lib/scalars.ts";
import { setOption } from "../lib/set-option.ts";
import { describedCommand } from "./described-command.ts";
import { qemuObjectTypes } from "./qemu-objects.ts";
import { qemuTypes } from "./qemu-types.ts";

const blockdev = defineOption({ flag: "--blockdev", types: qemuTypes, type: "BlockdevOptions", impliedKey: "driver" });
const object = defineOption({
  flag: "--object",
  types: qemuObjectTypes,
  type: "ObjectOptions",
  impliedKey: "qom-type",
  allowHelp: true,
});
const KNOWN = { a: { type: "str" }, size: { type: "size" }, id: { type: "number" } } as const;

function lists(): OptsList[] {
  const drive = new OptsList({ name: "drive" });
  drive.add("id=a");
  return [drive, new OptsList({ name: "chardev", known: KNOWN, merge: true, impliedKey: "a" })];
}

function flatOptions(text: string): FlatOptions {
  const flat: FlatOptions = new Map();
  for (const key of text.split(",")) {
    flat.set(key, text.slice(0, 4));
    // Nothing in this package makes more of them.
    if (flat.size > MOST_OPTIONS) break;
  }
  return flat;
}

function drive(text: string): void {
  const { node } = parseDrive(text);
  if (node === undefined) return;
  try {
    blockdev.fromKeyval(node);
  } catch (error) {
    throw isOptionError(error) ? driveOptionError(error, node) : error;
  }
}

/** Everything of this package that reads a text from outside. */
export const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  blockdev: (text) => blockdev.parse(text),
  object: (text) => object.parse(text),
  "merged keyval": (text) => mergeKeyval(parseKeyval("a.b=1,c.0=1").tree, parseKeyval(text).tree),
  "flat options": (text) => unflatten(flatOptions(text)),
  drive,
  "json: name": (text) => parseFileName(`json:${text}`),
  "nbd: name": (text) => parseFileName(`nbd:${text}`),
  "file name": parseFileName,
  "open list": (text) => parseQemuOpts(text, { impliedKey: "file" }),
  "closed list": (text) => parseQemuOpts(text, { known: KNOWN }),
  "joined lists": (text) => joinOptionLists([text, text]),
  "list of sets": (text) => lists().map((list) => list.add(text)),
  "-set": (text) => setOption(lists(), `drive.a.${text}`) && setOption(lists(), text),
  "-readconfig": (text) => readConfigFile(text, "f", { lists: lists(), onTree: () => {} }),
  completion: (text) => completeCommandLine(describedCommand, ["--blockdev", text]),
  bool: (text) => parseBool(text, "k"),
  number: (text) => parseNumber(text, "k"),
  size: (text) => parseSize(text, "k"),
  id: checkId,
};

/** Runs a parser; errors of its own are fine, any other is not, and neither is one that changed the world. */
export function attempt(parse: (text: string) => unknown, text: string): void {
  try {
    parse(text);
  } catch (error) {
    if (!isOptionError(error)) throw error;
  }
  if ("x" in {} || Object.keys(Object.prototype).length > 0) throw new Error("a prototype was polluted");
}

const WORDS = ["driver", "file", "nbd", "raw", "null-co", "size", "cache", "direct", "children", "id", "help", "?"];
const VALUES = [
  "none",
  "on",
  "off",
  "no",
  "werror",
  "1.5k",
  "0x",
  "0",
  "1",
  "-1",
  "18446744073709551616",
  "authz-list",
];
const OBJECTS = ["qom-type", "rules", "match", "policy", "deny", "limits", "drive", "chardev", "machine", "json:"];
const HOSTILE = ["__proto__", "constructor", "prototype", "toString", "x", "nbd://", "unix:", "nbd+unix:///", "\u0000"];
const SIGNS = [
  ",",
  ",,",
  "=",
  ".",
  "{",
  "}",
  "[",
  "]",
  ":",
  '"',
  "'",
  "\\u",
  "\\",
  "//",
  "-",
  "[drive]\n",
  ' = "',
  "\n",
];

/** Texts made of the words and signs that the parsers look for. */
const languageText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...WORDS, ...VALUES, ...OBJECTS, ...HOSTILE) },
      { weight: 6, arbitrary: fc.constantFrom(...SIGNS) },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

/** The same, a few pieces of them repeated many times. */
const longText: fc.Arbitrary<string> = fc
  .array(fc.tuple(languageText, fc.integer({ min: 1, max: 200 })), { maxLength: 4 })
  .map((parts) => parts.map(([text, times]) => text.repeat(times)).join(""));

/**
 * Lets a parser read so many texts; throws with the text and the seed if it does what it must not. Returns how many characters
 * were read.
 */
export function fuzzParser(parse: (text: string) => unknown, seed: number, numRuns: number): number {
  let characters = 0;
  const texts = fc.oneof({ weight: 9, arbitrary: languageText }, { weight: 1, arbitrary: longText });
  fc.assert(
    fc.property(texts, (text) => {
      characters += text.length;
      attempt(parse, text);
    }),
    { seed, numRuns },
  );
  return characters;
}
