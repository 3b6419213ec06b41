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
}

/** True if the option takes an argument. */
export function takesArgument(option: OptionDescription): boolean {
  return "types" in option || "known" in option || option.argument !== undefined;
}
