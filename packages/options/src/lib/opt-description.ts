import { nearestHint } from "./nearest-name.ts";
import { OptionError } from "./option-error.ts";
import { hexSizeWarnings, parseBool, parseNumber, parseSize } from "./scalars.ts";

/** An option of a list, as QEMU's lists have them. */
export interface OptDescription {
  readonly type: "str" | "bool" | "number" | "size";
  readonly help?: string;
  /** The text that is parsed if the key is absent. Default: the value is absent too. */
  readonly default?: string;
  /**
   * What completes the value: the names of files, or some words, which the documentation lists too. The parser takes any
   * text: QEMU's lists know no words, and what is wrong with one is said by who reads it. Default: nothing.
   */
  readonly values?: "file" | readonly string[];
}

/** The options that a list knows, by key. */
export type OptDescriptions = Readonly<Record<string, OptDescription>>;

/** One option in its place. */
export interface QemuOpt {
  readonly key: string;
  readonly value: string;
}

/**
 * Checks that `known` has the option and takes its value.
 *
 * @returns lines that QEMU warns with
 * @throws OptionError in QEMU's words
 */
export function checkOpt(known: OptDescriptions, { key, value }: QemuOpt): readonly string[] {
  const description = Object.hasOwn(known, key) ? known[key] : undefined;
  if (description !== undefined) {
    parseOpt(description.type, value, key);
    return description.type === "size" ? hexSizeWarnings(value) : [];
  }
  throw new OptionError(`Invalid parameter '${key}'`, {
    code: "unexpected",
    path: key,
    hints: nearestHint(key, Object.keys(known)),
  });
}

function parseOpt(type: OptDescription["type"], value: string, key: string): string | boolean | number | bigint {
  if (type === "bool") return parseBool(value, key);
  if (type === "number") return parseNumber(value, key);
  return type === "size" ? parseSize(value, key) : value;
}

interface OptTypes {
  str: string;
  bool: boolean;
  number: number | bigint;
  size: number | bigint;
}

/** The values that a list of options gives; those with a default are always there. */
export type OptValues<D extends OptDescriptions> = {
  -readonly [K in keyof D as D[K] extends { default: string } ? K : never]: OptTypes[D[K]["type"]];
} & {
  -readonly [K in keyof D as D[K] extends { default: string } ? never : K]?: OptTypes[D[K]["type"]];
};

/**
 * The typed values of the options that `known` describes, the last of each key; other keys are left alone.
 *
 * @throws OptionError of the first value, in the order of the text, that its type does not take
 */
export function readOpts<const D extends OptDescriptions>(known: D, options: readonly QemuOpt[]): OptValues<D> {
  // Of a text with a million keys, hardly one is known.
  const last = new Map<string, string>();
  for (const { key, value } of options) if (Object.hasOwn(known, key)) last.set(key, value);
  const values: Record<string, unknown> = {};
  for (const [key, value] of last) values[key] = parseOpt(known[key]?.type ?? "str", value, key);
  for (const [key, { type, default: text }] of Object.entries(known)) {
    if (text !== undefined && !last.has(key)) values[key] = parseOpt(type, text, key);
  }
  return values as OptValues<D>;
}
