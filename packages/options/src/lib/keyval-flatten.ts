import { isJsonDouble, isJsonObject, type JsonObject, type JsonValue } from "@rehandle/json";
import { listify } from "./keyval-lists.ts";
import { isDigit } from "./keyval-names.ts";
import { createKeyvalObject, isKeyvalObject, type KeyvalObject, type KeyvalValue } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";

/** Options by their full dotted key, as QEMU's block layer passes them about. */
export type FlatOptions = Map<string, string>;

/**
 * The dotted keys of a JSON object: `{"file": {"driver": "nbd"}}` is `file.driver=nbd`, elements of a list are `.0`,
 * `.1`. Numbers and bools become the texts that stand for them.
 */
export function flattenJson(object: JsonObject): FlatOptions {
  const flat: FlatOptions = new Map();
  flattenInto(flat, "", object);
  return flat;
}

function flattenInto(flat: FlatOptions, key: string, value: JsonValue): void {
  const prefix = key === "" ? "" : `${key}.`;
  if (Array.isArray(value)) value.forEach((child, i) => flattenInto(flat, `${prefix}${i}`, child));
  else if (!isJsonObject(value)) flat.set(key, scalarText(value));
  else for (const name of Object.keys(value)) flattenInto(flat, prefix + name, value[name]!);
}

function scalarText(value: JsonValue): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (isJsonDouble(value)) return String(value.value);
  return typeof value === "object" ? "" : String(value);
}

/** Deeper keys than this mean nothing, and would exhaust the stack. */
const MOST_FRAGMENTS = 1024;

/**
 * The tree of flat options. An empty fragment or one with any characters is a key like others; that something is a scalar
 * and an object at once is an error.
 */
export function unflatten(flat: FlatOptions): KeyvalObject {
  const tree = createKeyvalObject();
  // Without an index there is no list, and so no need to look at every key again.
  let hasIndexes = false;
  for (const [key, value] of flat) hasIndexes = place(tree, key, value) || hasIndexes;
  if (hasIndexes) listify(tree, (path) => clash(path, "Cannot mix list and non-list keys"));
  return tree;
}

/** True if a fragment behind the first may be an index. */
function place(tree: KeyvalObject, key: string, value: string): boolean {
  let object = tree;
  let hasIndexes = false;
  let at = 0;
  let dot = key.indexOf(".");
  for (let fragments = 1; dot >= 0; fragments += 1) {
    const fragment = key.slice(at, dot);
    const old: KeyvalValue | undefined = object[fragment];
    if ((old !== undefined && !isKeyvalObject(old)) || fragments >= MOST_FRAGMENTS) throw clash(key);
    object = old ?? (object[fragment] = createKeyvalObject());
    at = dot + 1;
    hasIndexes ||= isDigit(key.charCodeAt(at));
    dot = key.indexOf(".", at);
  }
  const last = key.slice(at);
  if (object[last] !== undefined) throw clash(key);
  object[last] = value;
  return hasIndexes;
}

function clash(path: string, message = "Cannot mix scalar and non-scalar keys"): OptionError {
  return new OptionError(message, { code: "inconsistent", path });
}
