import { parseJsonText, type JsonValue } from "@rehandle/json";
import { UsageError } from "./usage-error.ts";

/** A value as it was given: a text that still has no type, a JSON value, or what dotted keys made. */
export type Given =
  | { readonly kind: "text"; readonly text: string; readonly isQuoted: boolean }
  | { readonly kind: "json"; readonly value: JsonValue }
  | { readonly kind: "tree"; readonly members: GivenMembers };

/** Values by their keys. */
export type GivenMembers = Map<string, Given>;

/** Deeper than any type goes, and far from exhausting the stack. */
const MOST_FRAGMENTS = 64;

/**
 * The tree of words like `addr.type=unix`. A key that is given twice has its last value, as in QEMU.
 *
 * @throws UsageError in QEMU's words
 */
export function readArgumentTree(words: readonly string[]): GivenMembers {
  const root: GivenMembers = new Map();
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals < 0) throw new UsageError(`Expected '=' after parameter '${word}'`);
    put(root, word.slice(0, equals), readValue(word.slice(equals + 1)));
  }
  return root;
}

/** The fragments of a dotted key. @throws UsageError if there is an empty one */
function splitKey(key: string): string[] {
  const fragments = key.split(".", MOST_FRAGMENTS + 1);
  if (fragments.length > MOST_FRAGMENTS || fragments.includes("")) throw new UsageError(`Invalid parameter '${key}'`);
  return fragments;
}

/** A value with its quotes, if it has any, taken off. */
function readValue(word: string): Given {
  const isQuoted = word.startsWith('"') || word.startsWith("'");
  if (!isQuoted) return { kind: "text", text: word, isQuoted };
  const { value, error } = parseJsonText(word);
  if (typeof value === "string") return { kind: "text", text: value, isQuoted };
  throw new UsageError(error ?? `'${word}' is not a string`);
}

function put(root: GivenMembers, key: string, value: Given): void {
  const fragments = splitKey(key);
  const last = fragments.pop() ?? "";
  let members = root;
  for (const [i, fragment] of fragments.entries()) {
    const old = members.get(fragment) ?? { kind: "tree", members: new Map<string, Given>() };
    if (old.kind !== "tree") throw inconsistent(fragments.slice(0, i + 1).join("."));
    members.set(fragment, old);
    members = old.members;
  }
  if (members.get(last)?.kind === "tree") throw inconsistent(key);
  members.set(last, value);
}

function inconsistent(path: string): UsageError {
  return new UsageError(`Parameters '${path}.*' used inconsistently`);
}
