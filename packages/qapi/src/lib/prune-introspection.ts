import type { SchemaInfo } from "./generated/types.ts";

/** The entries of these commands, of all events, and of the types that they use; what the others use alone is left out. */
export function pruneIntrospection(
  entries: readonly SchemaInfo[],
  hasCommand: (name: string) => boolean,
): readonly SchemaInfo[] {
  const isRoot = (entry: SchemaInfo): boolean =>
    entry["meta-type"] === "event" || (entry["meta-type"] === "command" && hasCommand(entry.name));
  const isType = ({ "meta-type": kind }: SchemaInfo): boolean => kind !== "command" && kind !== "event";
  const types = new Map(entries.filter(isType).map((entry) => [entry.name, entry]));
  const kept = new Set(entries.filter(isRoot));
  // The set grows while it is walked through.
  for (const entry of kept) {
    for (const name of typesOf(entry)) {
      const type = types.get(name);
      if (type !== undefined) kept.add(type);
    }
  }
  return [...kept];
}

function typesOf(entry: SchemaInfo): readonly string[] {
  switch (entry["meta-type"]) {
    case "command":
      return [entry["arg-type"], entry["ret-type"]];
    case "event":
      return [entry["arg-type"]];
    case "array":
      return [entry["element-type"]];
    case "object":
      return [...entry.members, ...(entry.variants ?? [])].map(({ type }) => type);
    case "alternate":
      return entry.members.map(({ type }) => type);
    default:
      return [];
  }
}
