import { createKeyvalObject, isKeyvalObject, type KeyvalObject, type KeyvalValue } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";

/**
 * Two trees as one, as QEMU merges the sources of `-machine`: objects merge, lists are put one behind the other, of two
 * texts the second wins. The trees stay as they are.
 *
 * @throws OptionError if the two have different kinds of value in one place
 */
export function mergeKeyval(first: KeyvalObject, second: KeyvalObject): KeyvalObject {
  return merge(first, second, "");
}

function merge(first: KeyvalObject, second: KeyvalObject, prefix: string): KeyvalObject {
  const merged = Object.assign(createKeyvalObject(), first);
  for (const key of Object.keys(second)) {
    const value = second[key]!;
    const old = merged[key];
    merged[key] = old === undefined ? value : mergeValues(old, value, prefix + key);
  }
  return merged;
}

function mergeValues(old: KeyvalValue, value: KeyvalValue, path: string): KeyvalValue {
  if (typeof old === "string" && typeof value === "string") return value;
  if (Array.isArray(old) && Array.isArray(value)) return [...old, ...value];
  if (isKeyvalObject(old) && isKeyvalObject(value)) return merge(old, value, `${path}.`);
  throw new OptionError(`Parameter '${path}' used inconsistently`, { code: "inconsistent", path });
}
