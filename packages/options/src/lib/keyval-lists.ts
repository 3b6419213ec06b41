import { endOfIndex } from "./keyval-names.ts";
import { isKeyvalObject, type KeyvalObject, type KeyvalValue } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";

/** Where QEMU stops to tell indexes apart. */
const LARGEST_INDEX = 2 ** 31 - 1;

/** Makes the error of an object at `path` that has both indexes and names for keys. */
type MixedError = (path: string) => OptionError;

/** Turns every object below the root whose keys are all indexes into a list. The depth is bounded by the parser. */
export function listify(tree: KeyvalObject, mixed: MixedError): void {
  convertChildren(tree, "", mixed);
}

function convertChildren(object: KeyvalObject, prefix: string, mixed: MixedError): void {
  for (const key of Object.keys(object)) {
    const child = object[key];
    if (isKeyvalObject(child)) object[key] = convert(child, prefix + key, mixed);
  }
}

function convert(object: KeyvalObject, path: string, mixed: MixedError): KeyvalValue {
  convertChildren(object, `${path}.`, mixed);
  const keys = Object.keys(object);
  const indexes = keys.filter(isIndex);
  if (indexes.length === 0) return object;
  if (indexes.length < keys.length) throw mixed(path);
  return toList(object, indexes, path);
}

function isIndex(key: string): boolean {
  return key !== "" && endOfIndex(key, 0) === key.length;
}

/** `00` is an index as well, the same as `0`. */
function toList(object: KeyvalObject, indexes: readonly string[], path: string): KeyvalValue[] {
  const elements = Array.from<KeyvalValue | undefined>(indexes).fill(undefined);
  let largest = 0;
  for (const key of indexes) {
    const index = Math.min(Number(key), LARGEST_INDEX);
    if (index < elements.length) elements[index] = object[key];
    largest = Math.max(largest, index);
  }
  const list: KeyvalValue[] = [];
  for (const element of elements) {
    if (element === undefined) break;
    list.push(element);
  }
  if (list.length <= largest) throw missing(`${path}.${list.length}`);
  return list;
}

function missing(path: string): OptionError {
  return new OptionError(`Parameter '${path}' missing`, { code: "missing", path });
}
