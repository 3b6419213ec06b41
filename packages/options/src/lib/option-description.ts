import type { OptDescriptions } from "./opt-description.ts";
import type { TypeCatalog } from "./type-catalog.ts";

/** What every description of a command line option says, whatever its argument is. */
export interface OptionSummary {
  /** As on the command line: `--blockdev`, `-drive`. */
  readonly flag: string;
  /** A short spelling: `-h`. Default: none. */
  readonly shortFlag?: string;
  /** One line for people, from its first letter small to no full stop. */
  readonly help?: string;
  /** What the manual says besides; an empty line separates paragraphs. Default: nothing. */
  readonly details?: string;
  /** The caption below which the help lists it: `Exports`. Default: it stands with the others that have none, first. */
  readonly group?: string;
  /** True for what is taken and left out of help, manual, page and completion. Default: false */
  readonly hidden?: true;
}

/** An option whose argument is keyval or JSON, described by a type: `--blockdev`. */
export interface TypedOptionDescription extends OptionSummary {
  readonly types: TypeCatalog;
  /** The type of the argument: a struct or a union of `types`. */
  readonly type: string;
  /** The key of a first item that has none. Default: none. */
  readonly impliedKey?: string;
}

/** An option whose argument is a list in the older syntax: `-drive`, `--chardev`. */
export interface OptsOptionDescription extends OptionSummary {
  readonly known: OptDescriptions;
  /** The key of a first item that has none. Default: none. */
  readonly impliedKey?: string;
  /** The kind of thing that its `id` names; keys that complete with this kind find it. Default: none. */
  readonly names?: string;
  /** How its argument is written, one for each form: `socket,id=<id>[,wait=on|off]`. Default: one that is made of the keys. */
  readonly usages?: readonly string[];
}

/** An option with one plain text for an argument, or with none: `--pidfile`, `--help`. */
export interface PlainOptionDescription extends OptionSummary {
  /** What the help calls the argument: `path`. Default: the option has no argument. */
  readonly argument?: string;
  /** What completes the argument: the names of files, or one of some words. Default: nothing. */
  readonly values?: "file" | readonly string[];
}

/** A command line option, described for its help, its manual and its completion. */
export type OptionDescription = TypedOptionDescription | OptsOptionDescription | PlainOptionDescription;

/** A program and its options, in the order in which the help lists them. */
export interface CommandDescription {
  /** The name under which it is called: `rehandle-storage-daemon`. */
  readonly name: string;
  /** One line: what it is, from its first letter small to no full stop. */
  readonly help: string;
  /** What the manual says about it as a whole; an empty line separates paragraphs. Default: nothing. */
  readonly details?: string;
  readonly options: readonly OptionDescription[];
  /** Command lines to learn from. Default: none. */
  readonly examples?: readonly CommandExample[];
  /** What the manual says behind the options and the examples: `EXIT STATUS`, `FILES`. Default: nothing. */
  readonly sections?: readonly ManualSection[];
  /** The last lines of the help. Default: none. */
  readonly footer?: string;
}

/** A command line to learn from. */
export interface CommandExample {
  /** One line: what it does, from its first letter small to no full stop. */
  readonly help: string;
  /** As it is typed into a shell, on several lines if it is long. */
  readonly command: string;
}

/** A section of a manual page. */
export interface ManualSection {
  /** `EXIT STATUS`. */
  readonly title: string;
  /** An empty line separates paragraphs. Default: nothing. */
  readonly text?: string;
  /** Terms and what they mean, behind the text. Default: none. */
  readonly items?: Readonly<Record<string, string>>;
}

/** True if the option takes an argument. */
export function takesArgument(option: OptionDescription): boolean {
  return "types" in option || "known" in option || option.argument !== undefined;
}

/** The options that are shown, by their groups in the order of their first ones; those without a group come first. */
export function optionGroups({ options }: CommandDescription): [string | undefined, OptionDescription[]][] {
  const groups = new Map<string | undefined, OptionDescription[]>([[undefined, []]]);
  for (const option of options) {
    if (option.hidden === true) continue;
    const group = groups.get(option.group);
    if (group === undefined) groups.set(option.group, [option]);
    else group.push(option);
  }
  return [...groups];
}
