/**
 * What a terminal must not get from a peer: control characters (escape sequences begin with one), format characters
 * (they turn the direction of the text), line separators, and what is no character.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Longest text of a peer that is shown where people read, in UTF-16 units. */
const LONGEST = 4000;

/** The text with `\n` and `\u001B` instead of what is unprintable. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escape);
}

/** The beginning of a text of the peer's, printable; its lines are kept. */
export function printableLines(text: string): string {
  return cut(text, LONGEST).split(/\r?\n/).map(printable).join("\n");
}

/** The beginning of a text of the peer's, printable, for a line. */
export function shown(text: string, longest: number = LONGEST): string {
  return printable(cut(text, longest));
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escape(character: string): string {
  const short = SHORT.get(character);
  if (short !== undefined) return short;
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).toUpperCase().padStart(4, "0")}`).join("");
}
