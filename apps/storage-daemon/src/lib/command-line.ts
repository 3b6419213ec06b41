import { nearestHint } from "@rehandle/options";
import { UsageError } from "./usage-error.ts";

/** A long option, and perhaps a letter for it. */
export interface OptionName {
  readonly name: string;
  readonly letter?: string;
  readonly hasArgument: boolean;
  /** True if a beginning of its name stands for an option that is not so, where it could be either. Default: false */
  readonly yields?: boolean;
}

/** An option of a command line in its place. */
export interface GivenOption {
  /** The option's full name; null for a word that is no option. */
  readonly name: string | null;
  /** Empty for an option without one. */
  readonly argument: string;
  /** The option as it was typed, for errors. */
  readonly text: string;
}

/**
 * Splits a command line as getopt_long(3) does: `--name value`, `--name=value`, unambiguous beginnings of names, letters
 * that may be joined, and `--` before words that are no options.
 *
 * @throws UsageError in getopt's words
 */
export function* readCommandLine(argv: readonly string[], names: readonly OptionName[]): Generator<GivenOption> {
  const words = argv.values();
  for (const word of words) {
    if (word === "--") {
      for (const rest of words) yield { name: null, argument: rest, text: rest };
    } else if (word.startsWith("--")) {
      yield readLong(word, words, names);
    } else if (word.startsWith("-") && word.length > 1) {
      yield* readLetters(word, words, names);
    } else {
      yield { name: null, argument: word, text: word };
    }
  }
}

function readLong(word: string, words: Iterator<string>, names: readonly OptionName[]): GivenOption {
  const [typed, value] = splitOnce(word.slice(2), "=");
  const { name, hasArgument } = findLong(typed, word, names);
  if (!hasArgument) {
    if (value !== undefined) throw new UsageError(`option '--${name}' doesn't allow an argument`);
    return { name, argument: "", text: word };
  }
  if (value !== undefined) return { name, argument: value, text: word };
  const next = words.next();
  if (next.done === true) throw new UsageError(`option '--${name}' requires an argument`);
  return { name, argument: next.value, text: `${word} ${next.value}` };
}

/** Which option is meant by a name that is perhaps cut short, in a word. Errors show all of the word, as getopt's do. */
function findLong(typed: string, word: string, names: readonly OptionName[]): OptionName {
  const exact = names.find(({ name }) => name === typed);
  if (exact !== undefined) return exact;
  const possible = names.filter(({ name }) => name.startsWith(typed));
  const firm = possible.filter(({ yields }) => yields !== true);
  const candidates = firm.length > 0 ? firm : possible;
  const [first] = candidates;
  if (first === undefined) {
    const known = names.map(({ name }) => `--${name}`);
    throw new UsageError(`unrecognized option '${word}'`, null, nearestHint(`--${typed}`, known));
  }
  if (candidates.length === 1) return first;
  const possibilities = candidates.map(({ name }) => `'--${name}'`).join(" ");
  throw new UsageError(`option '${word}' is ambiguous; possibilities: ${possibilities}`);
}

function* readLetters(word: string, words: Iterator<string>, names: readonly OptionName[]): Generator<GivenOption> {
  for (let at = 1; at < word.length; at += 1) {
    const letter = word.charAt(at);
    const option = names.find((candidate) => candidate.letter === letter);
    if (option === undefined) throw new UsageError(`invalid option -- '${letter}'`);
    if (!option.hasArgument) {
      yield { name: option.name, argument: "", text: `-${letter}` };
      continue;
    }
    const joined = word.slice(at + 1);
    if (joined !== "") {
      yield { name: option.name, argument: joined, text: word };
      return;
    }
    const next = words.next();
    if (next.done === true) throw new UsageError(`option requires an argument -- '${letter}'`);
    yield { name: option.name, argument: next.value, text: `${word} ${next.value}` };
  }
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
