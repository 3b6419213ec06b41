import { checkOpt, type OptDescriptions, type QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";
import { checkId } from "./scalars.ts";
import { findDelimiter, splitValue } from "./split-value.ts";
import { WarningLines } from "./warning-lines.ts";

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
 * @throws OptionError in QEMU's words
 */
export function parseQemuOpts(text: string, settings: QemuOptsOptions = {}): QemuOpts {
  const id = settings.nameless === true ? undefined : findOptsId(text);
  if (id !== undefined) checkId(id);
  const options: QemuOpt[] = [];
  const warnings = new WarningLines();
  const help = appendOpts(text, settings, options, warnings);
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
  for (let at = 0; at < text.length;) {
    const { key, value, next, flag } = readItem(text, at, at === 0 ? impliedKey : undefined);
    const asksHelp = flag === "help" || flag === "?";
    if (asksHelp && known !== undefined) return true;
    if (flag !== undefined && !asksHelp) warnings.addFlag(flag);
    at = next;
    if (key === "id") continue;
    if (known !== undefined) for (const line of checkOpt(known, { key, value })) warnings.add(line);
    options.push({ key, value });
  }
  return false;
}

/** The first `id` of a text. QEMU looks for it before all else, and then knows of no implied key and no help. */
export function findOptsId(text: string): string | undefined {
  if (!text.includes("id")) return undefined;
  for (let at = 0; at < text.length;) {
    const { key, value, next } = readItem(text, at, undefined);
    if (key === "id") return value;
    at = next;
  }
  return undefined;
}

interface Item extends QemuOpt {
  /** Where the next one begins. */
  readonly next: number;
  /** The whole of an item without a value. */
  readonly flag?: string;
}

function readItem(text: string, at: number, impliedKey: string | undefined): Item {
  const delimiter = findDelimiter(text, at);
  if (text.charCodeAt(delimiter) === EQUALS) {
    const { value, next } = splitValue(text, delimiter + 1);
    return { key: text.slice(at, delimiter), value, next };
  }
  if (impliedKey !== undefined) {
    const { value, next } = splitValue(text, at);
    return { key: impliedKey, value, next };
  }
  const flag = text.slice(at, delimiter);
  const negated = flag.startsWith("no");
  return { key: negated ? flag.slice(2) : flag, value: negated ? "off" : "on", next: delimiter + 1, flag };
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
