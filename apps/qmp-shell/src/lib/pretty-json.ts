import { writeJson } from "@rehandle/json";
import type { Palette } from "./palette.ts";
import { printable } from "./printable.ts";

/** Deeper than this nothing is laid out any more, so that a hostile value cannot become mostly blanks. */
const DEEPEST = 24;

/** A peer's value for people: indented, coloured, in UTF-8, with nothing that a terminal would obey. */
export function prettyJson(value: unknown, palette: Palette, columns: number): string {
  const isShort = (item: object, depth: number): boolean => isFlat(item) && writtenWidth(item) + 2 * depth <= columns;
  return new Printer(palette, isShort).value(value, 0);
}

/** The same in one line. */
export function compactJson(value: unknown, palette: Palette): string {
  return new Printer(palette, () => true).value(value, 0);
}

class Printer {
  readonly #palette: Palette;
  /** Whether an object or array goes into one line. */
  readonly #isShort: (item: object, depth: number) => boolean;

  constructor(palette: Palette, isShort: (item: object, depth: number) => boolean) {
    this.#palette = palette;
    this.#isShort = isShort;
  }

  value(value: unknown, depth: number): string {
    if (typeof value !== "object" || value === null) return this.#scalar(value);
    if (depth >= DEEPEST) return writeJson(value);
    const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
    const items = Array.isArray(value)
      ? value.map((item: unknown) => this.value(item, depth + 1))
      : Object.entries(value).map(([key, item]) => this.#member(key, item, depth + 1));
    if (items.length === 0) return open + close;
    if (this.#isShort(value, depth)) return `${open}${items.join(", ")}${close}`;
    const indent = "  ".repeat(depth + 1);
    return `${open}\n${items.map((item) => indent + item).join(",\n")}\n${"  ".repeat(depth)}${close}`;
  }

  #member(key: string, value: unknown, depth: number): string {
    return `${this.#palette.key(quoted(key))}: ${this.value(value, depth)}`;
  }

  #scalar(value: unknown): string {
    if (typeof value === "string") return this.#palette.string(quoted(value));
    const text = writeJson(value);
    return typeof value === "number" || typeof value === "bigint"
      ? this.#palette.number(text)
      : this.#palette.keyword(text);
  }
}

/** True if nothing in it has parts of its own. */
function isFlat(value: object): boolean {
  return Object.values(value).every((item) => typeof item !== "object" || item === null);
}

/** About as wide as it would be in one line, colours aside. */
function writtenWidth(value: object): number {
  let width = 2;
  for (const [key, item] of Object.entries(value)) {
    width += 2 + (Array.isArray(value) ? 0 : key.length + 4);
    width += typeof item === "string" ? item.length + 2 : String(item).length;
  }
  return width;
}

function quoted(text: string): string {
  return printable(JSON.stringify(text));
}
