import { OptionCounter } from "./bounds.ts";
import { checkOpt, type OptDescriptions, type QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";
import { checkId } from "./scalars.ts";
import { findDelimiter, splitValue } from "./split-value.ts";
import { warnFirst, WarningLines } from "./warning-lines.ts";

const EQUALS = 0x3d;

/** How a QemuOpts text is read. */
export interface QemuOptsOptions {
  /** The key of a first item that has none. Default: none. */
  readonly impliedKey?: string;
  /**
   * The keys that there are, which makes it a closed list: others are refused, values are checked, and `help` asks for
   * help. Default: any key (an open list).
   */
  readonly known?: OptDescriptions;
  /** True if the set has no name: whatever `id=` says is dropped, as `qemu-img -o` does. Default: false. */
  readonly nameless?: boolean;
}

/** What a QemuOpts text says. */
export interface QemuOpts {
  /** The first `id` of the text. It is no option: it names the set. */
  readonly id: string | undefined;
  /** All options in their order, repetitions too; the last of a key counts. */
  readonly options: readonly QemuOpt[];
  /** True if a closed list was asked for help; what follows was not parsed. */
  readonly help: boolean;
  /**
   * Lines that QEMU prints on a command line: about short-form booleans, and in a closed list about hexadecimal sizes with
   * a suffix. Once for each, however often it was given.
   */
  readonly warnings: readonly string[];
}

/**
 * Parses `NAME=VALUE,…`, the syntax of `-drive`, `-device` and `-o`. Linear in the length of the text.
 *
 * @throws OptionError in QEMU's words, with the `warnings` before it
 */
export function parseQemuOpts(text: string, settings: QemuOptsOptions = {}): QemuOpts {
  const id = settings.nameless === true ? undefined : findOptsId(text);
  if (id !== undefined) checkId(id);
  const options: QemuOpt[] = [];
  const warnings = new WarningLines();
  const help = warnFirst(warnings.lines, () => appendOpts(text, settings, options, warnings));
  return { id, options, help, warnings: warnings.lines };
}

/**
 * Appends the options of a text to `options`.
 *
 * @returns true if help was asked for, and the rest not read
 */
export function appendOpts(
  text: string,
  { impliedKey, known }: QemuOptsOptions,
  options: QemuOpt[],
  warnings: WarningLines,
): boolean {
  const reader = new ItemReader(text);
  const count = new OptionCounter();
  while (reader.read(impliedKey)) {
    count.add();
    const { key, value, flag } = reader;
    const asksHelp = flag === "help" || flag === "?";
    if (asksHelp && known !== undefined) return true;
    if (flag !== undefined && !asksHelp) warnings.addFlag(flag);
    if (key === "id") continue;
    // A million commas are a million times the same item.
    const last = options.at(-1);
    const option = last?.key === key && last.value === value ? last : { key, value };
    if (known !== undefined) for (const line of checkOpt(known, option)) warnings.add(line);
    options.push(option);
  }
  return false;
}

/** The first `id` of a text. QEMU looks for it before all else, and then knows of no implied key and no help. */
export function findOptsId(text: string): string | undefined {
  if (!text.includes("id")) return undefined;
  const reader = new ItemReader(text);
  while (reader.read(undefined)) if (reader.key === "id") return reader.value;
  return undefined;
}

/** Reads one item after the other; a text may have a million of them. */
class ItemReader {
  readonly #text: string;
  #next = 0;
  key = "";
  value = "";
  /** The whole of an item without a value. */
  flag: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** False at the end of the text. The first item may have an implied key. */
  read(impliedKey: string | undefined): boolean {
    const text = this.#text;
    const at = this.#next;
    if (at >= text.length) return false;
    const delimiter = findDelimiter(text, at);
    if (text.charCodeAt(delimiter) === EQUALS) this.#take(text.slice(at, delimiter), delimiter + 1);
    else if (at === 0 && impliedKey !== undefined) this.#take(impliedKey, at);
    else this.#takeFlag(text.slice(at, delimiter), delimiter + 1);
    return true;
  }

  #take(key: string, at: number): void {
    const { value, next } = splitValue(this.#text, at);
    this.key = key;
    this.value = value;
    this.flag = undefined;
    this.#next = next;
  }

  #takeFlag(flag: string, next: number): void {
    const negated = flag.startsWith("no");
    this.key = negated ? flag.slice(2) : flag;
    this.value = negated ? "off" : "on";
    this.flag = flag;
    this.#next = next;
  }
}

/**
 * Makes one text of the arguments of an option that may be repeated, as `qemu-img -o` does.
 *
 * @throws OptionError for one that would run into its neighbours: empty, or with a comma at an end that is not doubled
 */
export function joinOptionLists(texts: readonly string[]): string {
  for (const text of texts) {
    if (/^(?!,)(?:.*[^,])?(?:,,)*$/s.test(text) && text !== "") continue;
    throw new OptionError(`Invalid option list: ${text}`, { code: "syntax" });
  }
  return texts.join(",");
}
