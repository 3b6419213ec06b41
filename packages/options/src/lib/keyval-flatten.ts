import { isJsonDouble, isJsonObject, type JsonObject, type JsonValue } from "@rehandle/json";
import { LONGEST_KEYS, MOST_FRAGMENTS, OptionCounter, tooLongKeys } from "./bounds.ts";
import { listify } from "./keyval-lists.ts";
import { isDigit } from "./keyval-names.ts";
import { createKeyvalObject, isKeyvalObject, type KeyvalObject, type KeyvalValue } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";

/** Options by their full dotted key, as QEMU's block layer passes them about. */
export type FlatOptions = Map<string, string>;

/**
 * The dotted keys of a JSON object: `{"file": {"driver": "nbd"}}` is `file.driver=nbd`, elements of a list are `.0`,
 * `.1`. Numbers and bools become the texts that stand for them.
 *
 * @throws OptionError if these are too many
 */
export function flattenJson(object: JsonObject): FlatOptions {
  const flattener = new Flattener();
  flattener.put("", object);
  return flattener.flat;
}

class Flattener {
  readonly flat: FlatOptions = new Map();
  readonly #made: OptionCounter = new OptionCounter();
  #length = 0;

  put(key: string, value: JsonValue): void {
    const prefix = key === "" ? "" : `${key}.`;
    if (Array.isArray(value)) value.forEach((child, i) => this.put(`${prefix}${i}`, child));
    else if (!isJsonObject(value)) this.#putScalar(key, value);
    else for (const name of Object.keys(value)) this.put(prefix + name, value[name]!);
  }

  #putScalar(key: string, value: JsonScalar): void {
    this.#made.add();
    this.#length += key.length;
    if (this.#length > LONGEST_KEYS) throw tooLongKeys();
    this.flat.set(key, scalarText(value));
  }
}

type JsonScalar = Exclude<JsonValue, JsonObject | JsonValue[]>;

function scalarText(value: JsonScalar): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (isJsonDouble(value)) return String(value.value);
  return typeof value === "object" ? "" : String(value);
}

/**
 * The tree of flat options. An empty fragment or one with any characters is a key like others; that something is a scalar
 * and an object at once is an error.
 *
 * @throws OptionError for that, and if there are too many
 */
export function unflatten(flat: FlatOptions): KeyvalObject {
  const tree = createKeyvalObject();
  const made = new OptionCounter();
  // Without an index there is no list, and so no need to look at every key again.
  let hasIndexes = false;
  for (const [key, value] of flat) hasIndexes = place(tree, key, value, made) || hasIndexes;
  if (hasIndexes) listify(tree, (path) => clash(path, "Cannot mix list and non-list keys"));
  return tree;
}

/** True if a fragment behind the first may be an index. */
function place(tree: KeyvalObject, key: string, value: string, made: OptionCounter): boolean {
  let object = tree;
  let hasIndexes = false;
  let at = 0;
  let dot = key.indexOf(".");
  for (let fragments = 1; dot >= 0; fragments += 1) {
    const fragment = key.slice(at, dot);
    const old: KeyvalValue | undefined = object[fragment];
    if ((old !== undefined && !isKeyvalObject(old)) || fragments >= MOST_FRAGMENTS) throw clash(key);
    if (old === undefined) made.add();
    object = old ?? (object[fragment] = createKeyvalObject());
    at = dot + 1;
    hasIndexes ||= isDigit(key.charCodeAt(at));
    dot = key.indexOf(".", at);
  }
  const last = key.slice(at);
  if (object[last] !== undefined) throw clash(key);
  made.add();
  object[last] = value;
  return hasIndexes;
}

function clash(path: string, message = "Cannot mix scalar and non-scalar keys"): OptionError {
  return new OptionError(message, { code: "inconsistent", path });
}
