import { listify } from "./keyval-lists.ts";
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

/** QEMU knows no bound here; a key of more fragments than this cannot mean anything, and would exhaust the stack. */
const MOST_FRAGMENTS = 1024;
const LONGEST_FRAGMENT = 127;

/** A QAPI name, perhaps with a downstream prefix `__RFQDN_`. */
const NAME = /(?:__[A-Za-z0-9.-]*_)?[A-Za-z][A-Za-z0-9_-]*/y;
const INDEX = /[0-9]+/y;

/**
 * Parses dotted keys, the syntax of `--blockdev`, `--export` and `--object`. Linear in the length of the text.
 *
 * @throws OptionError in QEMU's words
 */
export function parseKeyval(text: string, options: KeyvalOptions = {}): KeyvalResult {
  const tree = options.into ?? createKeyvalObject();
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
      put(tree, impliedKey, item);
      at = delimiter + 1;
    } else at = putItem(tree, item, text, delimiter);
  }
  if (help && options.allowHelp !== true) {
    throw new OptionError("Help is not available for this option", { code: "help" });
  }
  listify(tree, inconsistent);
  return { tree, help };
}

function putItem(tree: KeyvalObject, key: string, text: string, delimiter: number): number {
  if (text[delimiter] !== "=") {
    splitKey(key);
    throw new OptionError(`Expected '=' after parameter '${key}'`, { code: "syntax", path: key });
  }
  const { value, next } = splitValue(text, delimiter + 1);
  put(tree, key, value);
  return next;
}

/** Puts a text at the end of a dotted key, making the objects on the way. */
function put(tree: KeyvalObject, key: string, value: string): void {
  const fragments = splitKey(key);
  let object = tree;
  let length = -1;
  const last = fragments.length - 1;
  for (const [i, fragment] of fragments.entries()) {
    length += 1 + fragment.length;
    const old = object[fragment];
    if (i === last) {
      if (old !== undefined && typeof old !== "string") throw inconsistent(key.slice(0, length));
      object[fragment] = value;
    } else {
      if (old !== undefined && !isKeyvalObject(old)) throw inconsistent(key.slice(0, length));
      object = old ?? (object[fragment] = createKeyvalObject());
    }
  }
}

/** The error of a path that is used both as one kind of thing and as another. */
function inconsistent(path: string): OptionError {
  return new OptionError(`Parameters '${path}.*' used inconsistently`, { code: "inconsistent", path });
}

/** The fragments of a key: QAPI names, and behind the first also indexes. */
function splitKey(key: string): string[] {
  const fragments: string[] = [];
  for (let at = 0; ;) {
    const fragment = (at > 0 ? match(INDEX, key, at) : "") || match(NAME, key, at);
    const end = at + fragment.length;
    if (fragment === "" || (end < key.length && key[end] !== ".")) {
      throw new OptionError(`Invalid parameter '${key}'`, { code: "syntax", path: key });
    }
    if (fragment.length > LONGEST_FRAGMENT) throw tooLong(fragment, fragment.length === key.length);
    fragments.push(fragment);
    if (fragments.length > MOST_FRAGMENTS) {
      throw new OptionError(`Invalid parameter '${key}'`, { code: "syntax", path: key });
    }
    if (end >= key.length) return fragments;
    at = end + 1;
  }
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

function tooLong(fragment: string, isWhole: boolean): OptionError {
  const what = isWhole ? "Parameter" : "Parameter fragment";
  return new OptionError(`${what} '${fragment}' is too long`, { code: "syntax", path: fragment });
}
