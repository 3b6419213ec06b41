/** An object of option texts, without a prototype: `__proto__` and `constructor` are keys like any other. */
export interface KeyvalObject {
  [key: string]: KeyvalValue;
}

/** What dotted keys make: every leaf is a text, and becomes a typed value only by a description. */
export type KeyvalValue = string | KeyvalValue[] | KeyvalObject;

/** An empty {@link KeyvalObject}. */
export function createKeyvalObject(): KeyvalObject {
  return Object.create(null) as KeyvalObject;
}

/** True for an object, false for a text and a list. */
export function isKeyvalObject(value: KeyvalValue | undefined): value is KeyvalObject {
  return typeof value === "object" && !Array.isArray(value);
}
