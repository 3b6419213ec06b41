import { isJsonDouble, isJsonObject, type JsonObject, type JsonValue } from "@rehandle/json";
import { listify } from "./keyval-lists.ts";
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

function flattenInto(flat: FlatOptions, prefix: string, value: JsonValue): void {
  const children = Array.isArray(value) || isJsonObject(value) ? Object.entries(value) : undefined;
  if (children === undefined) flat.set(prefix, scalarText(value));
  else for (const [key, child] of children) flattenInto(flat, prefix === "" ? key : `${prefix}.${key}`, child);
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
  for (const [key, value] of flat) place(tree, key, value);
  listify(tree, (path) => clash(path, "Cannot mix list and non-list keys"));
  return tree;
}

function place(tree: KeyvalObject, key: string, value: string): void {
  const fragments = key.split(".", MOST_FRAGMENTS + 1);
  if (fragments.length > MOST_FRAGMENTS) throw clash(key);
  const last = fragments.pop() ?? "";
  let object = tree;
  for (const fragment of fragments) {
    const old: KeyvalValue | undefined = object[fragment];
    if (old !== undefined && !isKeyvalObject(old)) throw clash(key);
    object = old ?? (object[fragment] = createKeyvalObject());
  }
  if (object[last] !== undefined) throw clash(key);
  object[last] = value;
}

function clash(path: string, message = "Cannot mix scalar and non-scalar keys"): OptionError {
  return new OptionError(message, { code: "inconsistent", path });
}
