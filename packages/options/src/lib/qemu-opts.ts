import { nearestHint } from "./nearest-name.ts";
import { OptionError } from "./option-error.ts";
import { checkId, parseBool, parseNumber, parseSize } from "./scalars.ts";
import { findDelimiter, splitValue } from "./split-value.ts";

const EQUALS = 0x3d;

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

/** How a QemuOpts text is read. */
export interface QemuOptsOptions {
  /** The key of a first item that has none. Default: none. */
  readonly impliedKey?: string;
  /**
   * The keys that there are, which makes it a closed list: others are refused, values are checked, and `help` asks for
   * help. Default: any key (an open list).
   */
  readonly known?: OptDescriptions;
}

/** One option in its place. */
export interface QemuOpt {
  readonly key: string;
  readonly value: string;
}

/** What a QemuOpts text says. */
export interface QemuOpts {
  /** The first `id` of the text. It is no option: it names the set. */
  readonly id: string | undefined;
  /** All options in their order, repetitions too; the last of a key counts. */
  readonly options: readonly QemuOpt[];
  /** True if a closed list was asked for help; what follows was not parsed. */
  readonly help: boolean;
  /** Lines that QEMU prints on a command line, about short-form booleans; once for each, however often it was given. */
  readonly warnings: readonly string[];
}

/**
 * Parses `NAME=VALUE,…`, the syntax of `-drive`, `-device` and `-o`. Linear in the length of the text.
 *
 * @throws OptionError in QEMU's words
 */
export function parseQemuOpts(text: string, { impliedKey, known }: QemuOptsOptions = {}): QemuOpts {
  const options: QemuOpt[] = [];
  const flags = new Set<string>();
  let help = false;
  for (let at = 0; at < text.length && !help;) {
    const delimiter = findDelimiter(text, at);
    const name = text.slice(at, delimiter);
    if (text.charCodeAt(delimiter) === EQUALS) {
      const { value, next } = splitValue(text, delimiter + 1);
      options.push({ key: name, value });
      at = next;
    } else if (at === 0 && impliedKey !== undefined) {
      const { value, next } = splitValue(text, at);
      options.push({ key: impliedKey, value });
      at = next;
    } else {
      const asksHelp = name === "help" || name === "?";
      help = asksHelp && known !== undefined;
      if (!help) options.push(flagOption(name));
      if (!asksHelp) flags.add(name);
      at = delimiter + 1;
    }
  }
  const id = options.find(({ key }) => key === "id")?.value;
  if (id !== undefined) checkId(id);
  const others = id === undefined ? options : options.filter(({ key }) => key !== "id");
  if (known !== undefined) for (const option of others) checkOpt(known, option);
  return { id, options: others, help, warnings: [...flags].flatMap(warningsOf) };
}

/** What a bare item means: `snapshot` is on, `nosnapshot` is off. */
function flagOption(name: string): QemuOpt {
  return name.startsWith("no") ? { key: name.slice(2), value: "off" } : { key: name, value: "on" };
}

function warningsOf(flag: string): string[] {
  const negated = flag.startsWith("no");
  const key = negated ? flag.slice(2) : flag;
  const instead = key === "delay" ? `nodelay=${negated ? "on" : "off"}` : `${key}=${negated ? "off" : "on"}`;
  return [`short-form boolean option '${flag}' deprecated`, `Please use ${instead} instead`];
}

function checkOpt(known: OptDescriptions, { key, value }: QemuOpt): void {
  const description = Object.hasOwn(known, key) ? known[key] : undefined;
  if (description !== undefined) parseOpt(description.type, value, key);
  else {
    throw new OptionError(`Invalid parameter '${key}'`, {
      code: "unexpected",
      path: key,
      hints: nearestHint(key, Object.keys(known)),
    });
  }
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
  const last = new Map(options.map(({ key, value }) => [key, value]));
  const values: Record<string, unknown> = {};
  for (const [key, value] of last) {
    if (Object.hasOwn(known, key)) values[key] = parseOpt(known[key]?.type ?? "str", value, key);
  }
  for (const [key, { type, default: text }] of Object.entries(known)) {
    if (text !== undefined && !last.has(key)) values[key] = parseOpt(type, text, key);
  }
  return values as OptValues<D>;
}

const SHOWN_TYPES = { str: "str", bool: "bool (on/off)", number: "num", size: "size" } as const;
const HELP_COLUMN = 24;

/** QEMU's help for a list of options. `name` is the list's; without it the caption is `Options:`. */
export function formatOptsHelp(known: OptDescriptions, name?: string): string {
  const lines = Object.entries(known)
    .map(([key, { type, help }]) => {
      const head = `  ${key}=<${SHOWN_TYPES[type]}>`;
      return help === undefined ? head : `${head.padEnd(HELP_COLUMN)} - ${help}`;
    })
    .toSorted();
  if (lines.length > 0) return [name === undefined ? "Options:" : `${name} options:`, ...lines].join("\n");
  return name === undefined ? "No options available." : `There are no options for ${name}.`;
}
