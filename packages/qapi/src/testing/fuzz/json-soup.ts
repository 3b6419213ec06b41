import type { Dice } from "./dice.ts";

const TOKENS = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  '"',
  "'",
  "\\",
  " ",
  "\t",
  "\r",
  "\n",
  "\u0001",
  "é",
  "€",
  "😀",
  "\\u0000",
  "\\ud83d\\ude00",
  "\\ud800",
  "\\ufffe",
  "\\x",
  "0",
  "-0",
  "-",
  "1.",
  "1e5",
  "1e999",
  "0.1",
  "01",
  "9007199254740993",
  "18446744073709551615",
  "-9223372036854775809",
  "true",
  "false",
  "null",
  "nan",
  "TRUE",
  '"a"',
  "'b'",
  '"__proto__"',
  '"\\""',
] as const;

/** JSON, or nearly. `words` are strings that mean something to who reads it. */
export function jsonSoup(dice: Dice, words: readonly string[]): string {
  if (dice.oneIn(200)) return dice.pick([...TOKENS, "[{}", '{"a":', '["\\u', "[1,"]).repeat(1 + dice.below(50_000));
  if (dice.oneIn(2)) return jsonText(dice, words, dice.below(6));
  return dice.some([...TOKENS, ...words.map((word) => JSON.stringify(word))], 40).join("");
}

/** JSON without a mistake. */
export function jsonText(dice: Dice, words: readonly string[], depth: number): string {
  const kind = depth <= 0 ? dice.below(4) : dice.below(6);
  if (kind === 0) return JSON.stringify(dice.pick(words));
  if (kind === 1) return String(dice.pick([0, 1, -1, 2 ** 31, 2 ** 53, 0.5, -1e100, 1e-7]));
  if (kind === 2) return dice.pick(["true", "false", "null", '"\\u20ac"', "{}", "[]"]);
  if (kind === 3) return JSON.stringify("x".repeat(dice.below(30)));
  const items = dice.some([depth - 1], 4).map((next) => jsonText(dice, words, next));
  if (kind === 4) return `[${items.join(", ")}]`;
  const keys = new Set(dice.some(words, items.length));
  return `{${[...keys].map((key, i) => `${JSON.stringify(key)}: ${items[i] ?? "1"}`).join(",")}}`;
}
