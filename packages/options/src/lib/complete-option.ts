import { keyCandidates, memberAt, valueWords } from "./completion-keys.ts";
import { scanUnfinished, type UnfinishedArgument } from "./completion-scan.ts";
import { givenNames, type GivenNames } from "./given-names.ts";
import {
  takesArgument,
  type CommandDescription,
  type OptionDescription,
  type OptsOptionDescription,
  type TypedOptionDescription,
} from "./option-description.ts";
import { findType } from "./type-catalog.ts";

/** One way to go on with what is being written. */
export interface Candidate {
  /** The whole argument, or word, with the candidate in place; of a file, what stands before its path. */
  readonly text: string;
  /**
   * `key`: a value or a member has to follow. `value`: could be the end of the argument. `file`: the path that is written
   * behind `text` is to be completed by the names of files. `flag`: an option of the command line.
   */
  readonly kind: "key" | "value" | "file" | "flag";
  /** One line for people, if the description has one. */
  readonly help: string | undefined;
}

const NO_NAMES: GivenNames = new Map();

/**
 * How the argument of an option can go on where it ends: keys and members that are not given yet (`server.type=`), indexes
 * of lists, the words of enums, `on` and `off`, choices of an implied key, and of `names` those of the kind that a member
 * completes with. Nothing for JSON. Never throws.
 */
export function completeOption(option: OptionDescription, text: string, names: GivenNames = NO_NAMES): Candidate[] {
  if ("types" in option) return text.startsWith("{") ? [] : completeTyped(option, text, names);
  if ("known" in option) return completeOpts(option, text);
  return words(option.values, "", text);
}

/**
 * How a command line can go on: `given` are its words behind the program's name up to the cursor, the last of which (perhaps
 * empty) is being written. Flags that start with it, or candidates for the argument of the flag before it or in it
 * (`--blockdev=driver=`), with the names that the options before it give. Never throws.
 */
export function completeCommandLine(command: CommandDescription, given: readonly string[]): Candidate[] {
  const word = given.at(-1) ?? "";
  const { finished, open } = splitGiven(command, given.slice(0, -1));
  if (open !== undefined) return completeOption(open, word, givenNames(finished));
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  if (equals < 0) return flagCandidates(command, word);
  const option = findOption(command, word.slice(0, equals));
  if (option === undefined || !takesArgument(option)) return [];
  const flag = word.slice(0, equals + 1);
  const candidates = completeOption(option, word.slice(equals + 1), givenNames(finished));
  return candidates.map((found) => ({ ...found, text: flag + found.text }));
}

/** The options with their arguments, and the option that the last word leaves without one. */
function splitGiven(
  command: CommandDescription,
  given: readonly string[],
): { finished: [OptionDescription, string][]; open: OptionDescription | undefined } {
  const finished: [OptionDescription, string][] = [];
  let open: OptionDescription | undefined;
  for (const word of given) {
    if (open !== undefined) {
      finished.push([open, word]);
      open = undefined;
      continue;
    }
    const equals = word.startsWith("--") ? word.indexOf("=") : -1;
    const option = findOption(command, equals < 0 ? word : word.slice(0, equals));
    if (option === undefined || !takesArgument(option)) continue;
    if (equals < 0) open = option;
    else finished.push([option, word.slice(equals + 1)]);
  }
  return { finished, open };
}

function findOption({ options }: CommandDescription, flag: string): OptionDescription | undefined {
  return options.find((option) => option.flag === flag || option.shortFlag === flag);
}

function flagCandidates({ options }: CommandDescription, word: string): Candidate[] {
  return options
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ flag, shortFlag, help }) => [
      { text: flag, kind: "flag" as const, help },
      ...(shortFlag === undefined ? [] : [{ text: shortFlag, kind: "flag" as const, help }]),
    ])
    .filter(({ text }) => text.startsWith(word));
}

function completeTyped(
  { types, type, impliedKey }: TypedOptionDescription,
  text: string,
  names: GivenNames,
): Candidate[] {
  const argument = { ...scanUnfinished(text, impliedKey), names };
  const { given, before, key, value, isFirst } = argument;
  if (value !== undefined) return typedValues(types, type, argument, key, value, `${before}${key}=`);
  const keys = keyCandidates(types, type, key, given).map(({ text: found, help }) => ({
    text: before + found,
    kind: "key" as const,
    help,
  }));
  if (!isFirst || impliedKey === undefined) return keys;
  return [...typedValues(types, type, argument, impliedKey, key, ""), ...keys];
}

function typedValues(
  types: TypedOptionDescription["types"],
  root: string,
  { given, names }: UnfinishedArgument & { readonly names: GivenNames },
  key: string,
  value: string,
  before: string,
): Candidate[] {
  const member = memberAt(types, root, key, given);
  if (member === undefined) return [];
  if (member.completes === "file") return [{ text: before, kind: "file", help: member.help }];
  const description = findType(types, root);
  const isChoice = description !== undefined && "union" in description && description.discriminator === key;
  const branches = isChoice ? description.branches : {};
  const known = [...(names.get(member.completes ?? "") ?? []), ...valueWords(types, member)];
  return known
    .filter((word) => word.startsWith(value))
    .map((word) => ({
      text: before + word.replaceAll(",", ",,"),
      kind: "value",
      help: helpOfBranch(types, branches, word),
    }));
}

function helpOfBranch(
  types: TypedOptionDescription["types"],
  branches: Readonly<Record<string, string>>,
  word: string,
): string | undefined {
  const branch = Object.hasOwn(branches, word) ? branches[word] : undefined;
  return branch === undefined ? undefined : findType(types, branch)?.help;
}

function completeOpts({ known, impliedKey, names }: OptsOptionDescription, text: string): Candidate[] {
  const { given, before, key, value, isFirst } = scanUnfinished(text, impliedKey);
  if (value !== undefined) return optValues(known, key, value, `${before}${key}=`);
  const ids: [string, { help?: string }][] = names === undefined || "id" in known ? [] : [["id", {}]];
  const keys = [...Object.entries<{ help?: string }>(known), ...ids]
    .filter(([name]) => name.startsWith(key) && !given.has(name))
    .map(([name, { help }]) => ({ text: `${before}${name}=`, kind: "key" as const, help }));
  return isFirst && impliedKey !== undefined ? [...optValues(known, impliedKey, key, ""), ...keys] : keys;
}

function optValues(known: OptsOptionDescription["known"], key: string, value: string, before: string): Candidate[] {
  const description = Object.hasOwn(known, key) ? known[key] : undefined;
  if (description === undefined) return [];
  return words(description.values ?? (description.type === "bool" ? ["on", "off"] : undefined), before, value);
}

function words(values: "file" | readonly string[] | undefined, before: string, value: string): Candidate[] {
  if (values === "file") return [{ text: before, kind: "file", help: undefined }];
  return (values ?? [])
    .filter((word) => word.startsWith(value))
    .map((word) => ({ text: before + word, kind: "value", help: undefined }));
}
