import { JsonStream, parseJsonText, writeJson } from "@rehandle/json";
import { Dice } from "./dice.ts";
import { jsonSoup } from "./json-soup.ts";

function read(pieces: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  const stream = new JsonStream({
    value: (value) => void found.push(`value ${writeJson(value)}`),
    error: (message) => void found.push(message),
  });
  for (const piece of pieces) stream.feed(piece);
  stream.end();
  return found;
}

/** Reads one text: however it is cut, and again what was written of it. Returns the bytes that were read. */
export function fuzzJson(seed: number): number {
  const dice = new Dice(seed);
  const bytes = dice.spoil(jsonSoup(dice, ["a", "", "__proto__", "constructor", "é\u0000\u{1f600}"]));
  const whole = read([bytes]);
  const cut = read(dice.cut(bytes));
  if (JSON.stringify(whole) !== JSON.stringify(cut)) throw new Error(`cut: ${cut.join()} instead of ${whole.join()}`);
  for (const found of whole) {
    if (!found.startsWith("value ")) continue;
    const text = found.slice(6);
    const { value, error } = parseJsonText(text);
    if (error !== undefined || writeJson(value) !== text) throw new Error(`written: ${text}, read again: ${error}`);
    JSON.parse(text);
  }
  const clean = read([bytes, Uint8Array.of(0xff, 0x7b, 0x7d)]);
  if (clean.at(-1) !== "value {}") throw new Error(`not clean after an illegal byte: ${clean.at(-1)}`);
  return bytes.length;
}
