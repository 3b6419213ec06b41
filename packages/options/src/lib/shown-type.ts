import { findType, type TypeCatalog, type TypeReference } from "./type-catalog.ts";

const SHOWN_TYPES: ReadonlyMap<string, string> = new Map([
  ["bool", "on|off"],
  ["number", "num"],
]);

/** A type as the help shows it: the words of an enum, QEMU's word for a builtin, or its name; of an alternate all of it. */
export function shownType(types: TypeCatalog, type: TypeReference, words?: readonly string[]): string {
  if (typeof type !== "string") return `list of ${shownType(types, type[0])}`;
  if (type === "str" && words !== undefined) return words.join("|");
  const description = findType(types, type);
  if (description === undefined) return SHOWN_TYPES.get(type) ?? type;
  if ("enum" in description) return (words ?? description.enum).join("|");
  if (!("alternate" in description)) return type;
  return Object.values(description.alternate)
    .map((branch) => (branch === type ? type : shownType(types, branch, words)))
    .join("|");
}

const SUFFIXES: readonly (readonly [string, number])[] = [
  ["G", 1024 ** 3],
  ["M", 1024 ** 2],
  ["k", 1024],
];

/** A default as it would be written: `on`, `32M`. */
export function shownDefault(type: TypeReference, value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string" || type !== "size") return String(value);
  const found = SUFFIXES.find(([, unit]) => value >= unit && value % unit === 0);
  return found === undefined ? String(value) : `${value / found[1]}${found[0]}`;
}
