import type { JsonKind, Member, PeerCommand, PeerEventInfo, PeerSchema, PeerType } from "./peer-schema.ts";

type Entry = Readonly<Record<string, unknown>>;

const JSON_KINDS: ReadonlySet<string> = new Set([
  "string",
  "number",
  "int",
  "boolean",
  "null",
  "object",
  "array",
  "value",
] satisfies JsonKind[]);

/**
 * What the reply of `query-qmp-schema` says. The peer is not trusted: what is not as QEMU has it is left out, and types may
 * refer to each other in circles or to nothing.
 */
export function readIntrospection(reply: unknown): PeerSchema {
  const commands = new Map<string, PeerCommand>();
  const events = new Map<string, PeerEventInfo>();
  const types = new Map<string, PeerType>();
  for (const entry of entriesOf(reply)) {
    const name = text(entry["name"]);
    const metaType = text(entry["meta-type"]);
    if (name === undefined) continue;
    if (metaType === "command") commands.set(name, readCommand(name, entry));
    else if (metaType === "event") {
      events.set(name, { name, ...present("dataType", text(entry["arg-type"])), features: words(entry["features"]) });
    } else {
      const type = readType(metaType, entry);
      if (type !== undefined) types.set(name, type);
    }
  }
  return { commands, events, types };
}

/** What the reply of `query-commands` says: names alone. */
export function readCommandNames(reply: unknown): PeerSchema {
  const names = entriesOf(reply).flatMap((entry) => text(entry["name"]) ?? []);
  const commands = names.map((name): [string, PeerCommand] => [name, { name, allowOob: false, features: [] }]);
  return { commands: new Map(commands), events: new Map(), types: new Map() };
}

function readCommand(name: string, entry: Entry): PeerCommand {
  return {
    name,
    ...present("argumentType", text(entry["arg-type"])),
    ...present("resultType", text(entry["ret-type"])),
    allowOob: entry["allow-oob"] === true,
    features: words(entry["features"]),
  };
}

function readType(metaType: string | undefined, entry: Entry): PeerType | undefined {
  const json = text(entry["json-type"]);
  const element = text(entry["element-type"]);
  if (metaType === "builtin" && json !== undefined && isJsonKind(json)) return { kind: "builtin", json };
  if (metaType === "enum") return { kind: "enum", values: readValues(entry) };
  if (metaType === "array" && element !== undefined) return { kind: "array", element };
  if (metaType === "object") return readObject(entry);
  if (metaType !== "alternate") return undefined;
  return { kind: "alternate", branches: entriesOf(entry["members"]).flatMap((branch) => text(branch["type"]) ?? []) };
}

/** QEMU before 6.2 has `values` alone. */
function readValues(entry: Entry): readonly string[] {
  const names = entriesOf(entry["members"]).flatMap((member) => text(member["name"]) ?? []);
  return names.length > 0 ? names : words(entry["values"]);
}

function readObject(entry: Entry): PeerType {
  const variants = new Map<string, string>();
  for (const variant of entriesOf(entry["variants"])) {
    const value = text(variant["case"]);
    const type = text(variant["type"]);
    if (value !== undefined && type !== undefined) variants.set(value, type);
  }
  const members = entriesOf(entry["members"]).flatMap(readMember);
  return { kind: "object", members, ...present("tag", text(entry["tag"])), variants };
}

function readMember(entry: Entry): Member[] {
  const name = text(entry["name"]);
  const type = text(entry["type"]);
  if (name === undefined || type === undefined) return [];
  // Only null is ever written; that there is a default at all makes it optional.
  const optional = entry["default"] !== undefined;
  return [{ name, type, optional, deprecated: words(entry["features"]).includes("deprecated") }];
}

function isJsonKind(word: string): word is JsonKind {
  return JSON_KINDS.has(word);
}

function entriesOf(value: unknown): Entry[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item: unknown): item is Entry => typeof item === "object" && item !== null);
}

function words(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item: unknown): item is string => typeof item === "string") : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function present<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}
