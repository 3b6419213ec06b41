import { isJsonObject, type JsonValue } from "@rehandle/json";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge, type Disagreement } from "../testing/differences.ts";
import { messageWithHints } from "../testing/message-of.ts";
import { sample } from "../testing/option-texts.ts";
import { hasProgram } from "../testing/qemu.ts";
import { askMonitor, humanLine, printed, quoted } from "../testing/qemu-monitor.ts";
import { checkId, hexSizeWarnings, parseBool, parseNumber, parseSize } from "./scalars.ts";

const hasQemu = hasProgram("qemu-system-x86_64", "qemu-system-x86");

const SIZES = [
  "0",
  "00",
  "512",
  "1.5k",
  "1.k",
  "1.",
  "1.b",
  "010k",
  "0x10k",
  "0x10K",
  "0x10b",
  "0X1f",
  "0x1e",
  "0x1E",
  "0xep",
  "0xB",
  "0xbb",
  "0.1k",
  "12.345M",
  "0.000488k",
  "0.00048828125k",
  "0.999999999999k",
  "0.5k",
  "0.49999999999999999999k",
  "0.0009765625k",
  "3.9999E",
  "1.0",
  "1.00",
  "1.0b",
  "1.0B",
  " 5k",
  "\t\n\v\f\r5k",
  "+5k",
  " +5k",
  "+ 5k",
  "++5",
  "+-5",
  "1K",
  "3g",
  "7m",
  "9T",
  "5p",
  "1E",
  "1e",
  "15E",
  "15.99E",
  "15.9999999999999999E",
  "16E",
  "6.99999999999999999999k",
  "0.99999999999999999999M",
  "",
  " ",
  ".",
  "k",
  ".5k",
  ".k",
  "1.5",
  "1.5b",
  "1e3",
  "1e+3",
  "1e3k",
  "1.5e1k",
  "1.5e1",
  "-0",
  "-1",
  "-",
  "+",
  "1kb",
  "1kk",
  "1KiB",
  "5 k",
  "5k ",
  "5 ",
  "0x",
  "0x ",
  "0xk",
  "0xg",
  "x10",
  "0x1.8k",
  "0x1.",
  "0x-1",
  "0b101",
  "0o17",
  "1_000",
  "1,000",
  "x",
  "inf",
  "nan",
  "infinity",
  "0x1p3",
  "1..5k",
  "1.5.5k",
  "١",
  "５",
  "1\u00a0",
  "18446744073709551615",
  "18446744073709551616",
  "18014398509481983k",
  "18014398509481984k",
  "0xffffffffffffffff",
  "0x10000000000000000",
  "0x3fffffffffffffk",
  "0x40000000000000k",
  "0x0000000000000000000001",
  "000000000000000000000000000007k",
  "99999999999999999999999",
  "20000000T",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  `1.${"0".repeat(400)}`,
  `1.${"0".repeat(400)}1k`,
  `${"9".repeat(400)}k`,
];

const NUMBERS = [
  "",
  " ",
  "0",
  "00",
  "07",
  "08",
  "0777",
  "5",
  "5k",
  "1.5",
  "1.",
  "1e3",
  "0x",
  "0X",
  "0x1f",
  "0XfF",
  "0xg",
  "0x 1",
  "5 ",
  " 5",
  "\t\n\v\f\r5",
  "+5",
  "-5",
  "+-5",
  "- 5",
  "-",
  "+",
  "-0",
  "-0x10",
  "-010",
  "-1",
  "0b1",
  "5,,0",
  "1_000",
  "x",
  "١",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "18446744073709551615",
  "18446744073709551616",
  "-18446744073709551615",
  "-18446744073709551616",
  "0xffffffffffffffff",
  "0x10000000000000000",
  "01777777777777777777777",
  "02000000000000000000000",
  "0x00000000000000000000001",
  `${"0".repeat(400)}7`,
  "9".repeat(400),
  "-" + "9".repeat(400),
];

const BOOLS = [
  "on",
  "off",
  "yes",
  "no",
  "true",
  "false",
  "y",
  "n",
  "On",
  "ON",
  "Yes",
  "TRUE",
  "Y",
  "N",
  "",
  " ",
  "on ",
  " on",
  "0",
  "1",
  "t",
  "f",
  "enable",
  "disable",
  "o",
  "of",
  "onn",
  "__proto__",
  "oñ",
];

const IDS = [
  "a",
  "Z",
  "a0",
  "a-b",
  "a.b",
  "a_b",
  "a.",
  "a-",
  "A0._-z",
  "x".repeat(200),
  "",
  "0",
  "0a",
  "-a",
  "_a",
  ".a",
  "#a",
  "a b",
  " a",
  "a ",
  "a/b",
  "a:b",
  "a#",
  "a=b",
  "é",
  "aé",
  "a\n",
  "ａ",
];

const digits = fc.stringMatching(/^[0-9]{1,21}$/);
const affix = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom("", "", "", ...texts);
const texts = fc
  .tuple(
    affix(" ", "+", "-", "\t", "0x", "0", "0X", " +"),
    digits,
    affix(".", ".0", ".5", ".25", ".1", ".999", ".000001", "e3", "."),
    affix("1", "7", "999", "ff", " "),
    affix("k", "M", "g", "T", "p", "E", "b", "B", "kb", "x", " "),
  )
  .map((parts) => parts.join(""));
const GENERATED = sample(texts, 500);

/** A drive whose `align` QEMU quotes in its error, unless it is a power of two that it can use. */
const sizeLine = (text: string): string =>
  `drive_add 0 ${quoted(`id=a,driver=blkdebug,image.driver=null-co,align=${text.replaceAll(",", ",,")}`)}`;
const ALIGN = /^Cannot meet constraints with align ([0-9]+)$/;

function ourSize(text: string): string {
  try {
    const size = BigInt(parseSize(text, "align"));
    const isTaken = size < 2n ** 31n - 1n && (size & (size - 1n)) === 0n;
    const warnings = hexSizeWarnings(text).map((line) => `warning: ${line}`);
    return [...warnings, isTaken ? "OK" : `Cannot meet constraints with align ${size}`].join("\n");
  } catch (error) {
    return messageWithHints(error);
  }
}

/** A drive whose `iops-size` QEMU tells. */
const numberLine = (text: string): string =>
  `drive_add 0 ${quoted(`id=a,driver=null-co,iops=1,iops_size=${text.replaceAll(",,", ",").replaceAll(",", ",,")}`)}`;

function ourNumber(text: string): string {
  try {
    const number = BigInt(parseNumber(text.replaceAll(",,", ","), "throttling.iops-size"));
    return number === 0n ? "OK" : String(BigInt.asIntN(64, number));
  } catch (error) {
    return messageWithHints(error);
  }
}

function theirNumber(added: unknown, blocks: JsonValue | undefined): string {
  const inserted = Array.isArray(blocks) && isJsonObject(blocks[0]) ? blocks[0]["inserted"] : undefined;
  const size = isJsonObject(inserted) ? inserted["iops_size"] : undefined;
  return added === "OK" && (typeof size === "number" || typeof size === "bigint") ? String(size) : String(added);
}

describe.runIf(hasQemu)("scalars, compared with QEMU", () => {
  test.each([
    ["written sizes", SIZES, ["rounding"]],
    ["generated sizes", GENERATED, []],
  ])("%s", { timeout: 60_000 }, async (_name, sizes, differences) => {
    const answers = await askMonitor(sizes.flatMap((text) => [humanLine(sizeLine(text)), humanLine("drive_del a")]));
    const disagreements = sizes.flatMap((text, i): Disagreement[] => {
      const ours = ourSize(text);
      // It warns before it finds a mistake.
      const theirs = printed(answers[2 * i]).replace(/^warning: .*\n(?=Parameter|Value)/, "");
      return ours === theirs
        ? []
        : [{ text, ours, theirs: theirs === "OK" ? theirs : (ALIGN.exec(theirs)?.[1] ?? theirs) }];
    });
    expect(judge(disagreements)).toEqual({ unexplained: [], seen: differences });
  });

  test.each([
    ["written numbers", NUMBERS],
    ["generated numbers", GENERATED],
  ])("%s", { timeout: 60_000 }, async (_name, numbers) => {
    const answers = await askMonitor(
      numbers.flatMap((text) => [humanLine(numberLine(text)), { execute: "query-block" }, humanLine("drive_del a")]),
    );
    const disagreements = numbers.flatMap((text, i): Disagreement[] => {
      const theirs = theirNumber(answers[3 * i], answers[3 * i + 1]);
      const ours = ourNumber(text);
      return ours === theirs ? [] : [{ text, ours, theirs }];
    });
    expect(judge(disagreements)).toEqual({ unexplained: [], seen: [] });
  });

  test(`${BOOLS.length} bools and ${IDS.length} ids`, { timeout: 60_000 }, async () => {
    const tryOut = (check: () => unknown): string => {
      try {
        check();
        return "";
      } catch (error) {
        return messageWithHints(error);
      }
    };
    const cases = [
      ...BOOLS.map((text) => ({ line: `id=a,tight=${text}`, id: "a", ours: tryOut(() => parseBool(text, "tight")) })),
      ...IDS.map((text) => ({ line: `id=${text}`, id: text, ours: tryOut(() => checkId(text)) })),
    ];
    const answers = await askMonitor(
      cases.flatMap(({ line, id }) => [
        humanLine(`chardev-add ${quoted(`null,${line}`)}`),
        humanLine(`chardev-remove ${quoted(id)}`),
      ]),
    );
    const disagreements = cases.flatMap(({ line, ours }, i): Disagreement[] => {
      const theirs = printed(answers[2 * i]).replace(/\nError: Parsing chardev args failed$/, "");
      return ours === theirs ? [] : [{ text: line, ours, theirs }];
    });
    expect(judge(disagreements)).toEqual({ unexplained: [], seen: [] });
  });
});
