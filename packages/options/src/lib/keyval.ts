import { MOST_FRAGMENTS, OptionCounter } from "./bounds.ts";
import { listify } from "./keyval-lists.ts";
import { endOfIndex, endOfName, isDigit } from "./keyval-names.ts";
import { createKeyvalObject, isKeyvalObject, type KeyvalObject } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";
import { findDelimiter, splitValue } from "./split-value.ts";

/** How a keyval text is read. */
export interface KeyvalOptions {
  /** The key of a first item that has none: `driver` makes `raw,file=x` mean `driver=raw,file=x`. Default: none. */
  readonly impliedKey?: string;
  /** Default: `help` and `?` are refused with the error `Help is not available for this option`. */
  readonly allowHelp?: boolean;
  /**
   * A tree to add to, as every use of `-machine` adds to what the ones before it said. It is the result, and may hold a
   * part of the text after an error. Lists in it are complete: to add elements is an error. Default: an empty one.
   */
  readonly into?: KeyvalObject;
}

/** What a keyval text says. */
export interface KeyvalResult {
  readonly tree: KeyvalObject;
  /** True if `help` or `?` was one of the items. */
  readonly help: boolean;
}

const LONGEST_FRAGMENT = 127;

/**
 * Parses dotted keys, the syntax of `--blockdev`, `--export` and `--object`. Linear in the length of the text.
 *
 * @throws OptionError in QEMU's words
 */
export function parseKeyval(text: string, options: KeyvalOptions = {}): KeyvalResult {
  const builder = new TreeBuilder(options.into);
  let help = false;
  let impliedKey = options.impliedKey;
  for (let at = 0; at < text.length; impliedKey = undefined) {
    const delimiter = findDelimiter(text, at);
    const bare = delimiter > at && text[delimiter] !== "=";
    const item = text.slice(at, delimiter);
    if (bare && (item === "help" || item === "?")) {
      help = true;
      at = delimiter + 1;
    } else if (bare && impliedKey !== undefined) {
      builder.put(impliedKey, item);
      at = delimiter + 1;
    } else at = putItem(builder, item, text, delimiter);
  }
  if (help && options.allowHelp !== true) {
    throw new OptionError("Help is not available for this option", { code: "help" });
  }
  return { tree: builder.finish(), help };
}

function putItem(builder: TreeBuilder, key: string, text: string, delimiter: number): number {
  if (text[delimiter] !== "=") {
    splitKey(key);
    throw new OptionError(`Expected '=' after parameter '${key}'`, { code: "syntax", path: key });
  }
  const { value, next } = splitValue(text, delimiter + 1);
  builder.put(key, value);
  return next;
}

/** Makes a tree of dotted keys, one after the other. */
class TreeBuilder {
  readonly #tree: KeyvalObject;
  /** Without an index there is no list, and so no need to look at every key again. */
  #hasIndexes: boolean;
  readonly #made: OptionCounter = new OptionCounter();

  constructor(into: KeyvalObject | undefined) {
    this.#tree = into ?? createKeyvalObject();
    this.#hasIndexes = into !== undefined;
  }

  /** Puts a text at the end of a dotted key, making the objects on the way. */
  put(key: string, value: string): void {
    if (isPlainName(key)) return this.#putLeaf(this.#tree, key, value, key);
    const fragments = splitKey(key);
    const last = fragments.length - 1;
    let object = this.#tree;
    let length = 0;
    for (let i = 0; i < last; i += 1) {
      const fragment = fragments[i]!;
      length += fragment.length;
      const old = object[fragment];
      if (old !== undefined && !isKeyvalObject(old)) throw inconsistent(key.slice(0, length));
      object = old ?? this.#makeObject(object, fragment);
      length += 1;
      this.#hasIndexes ||= isDigit(key.charCodeAt(length));
    }
    this.#putLeaf(object, fragments[last]!, value, key);
  }

  #makeObject(parent: KeyvalObject, fragment: string): KeyvalObject {
    this.#made.add();
    return (parent[fragment] = createKeyvalObject());
  }

  #putLeaf(object: KeyvalObject, fragment: string, value: string, key: string): void {
    const old = object[fragment];
    if (old === undefined) this.#made.add();
    else if (typeof old !== "string") throw inconsistent(key);
    object[fragment] = value;
  }

  /** The tree with its lists. */
  finish(): KeyvalObject {
    if (this.#hasIndexes) listify(this.#tree, inconsistent);
    return this.#tree;
  }
}

/** The error of a path that is used both as one kind of thing and as another. */
function inconsistent(path: string): OptionError {
  return new OptionError(`Parameters '${path}.*' used inconsistently`, { code: "inconsistent", path });
}

/** True for a key of one fragment that nothing is wrong with. */
function isPlainName(key: string): boolean {
  return key !== "" && key.length <= LONGEST_FRAGMENT && endOfName(key, 0) === key.length;
}

/** The fragments of a key: QAPI names, and behind the first also indexes. */
function splitKey(key: string): string[] {
  const fragments: string[] = [];
  for (let at = 0; ;) {
    const end = at > 0 && isDigit(key.charCodeAt(at)) ? endOfIndex(key, at) : endOfName(key, at);
    if (end === at || (end < key.length && key[end] !== ".")) {
      throw new OptionError(`Invalid parameter '${key}'`, { code: "syntax", path: key });
    }
    const fragment = key.slice(at, end);
    if (fragment.length > LONGEST_FRAGMENT) throw tooLong(fragment, fragment.length === key.length);
    fragments.push(fragment);
    if (fragments.length > MOST_FRAGMENTS) {
      throw new OptionError(`Invalid parameter '${key}'`, { code: "syntax", path: key });
    }
    if (end >= key.length) return fragments;
    at = end + 1;
  }
}

function tooLong(fragment: string, isWhole: boolean): OptionError {
  const what = isWhole ? "Parameter" : "Parameter fragment";
  return new OptionError(`${what} '${fragment}' is too long`, { code: "syntax", path: fragment });
}
