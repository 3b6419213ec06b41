import type { SchemaInfo } from "../lib/generated/types.ts";
import type { CommandType, EventType, Members, Schema, SchemaType, TypeReference } from "../lib/schema.ts";

/** A schema out of what a server tells of itself. Types have no names there, and all integers are one. */
export function schemaFromIntrospection(entries: readonly SchemaInfo[]): Schema {
  const types: Record<string, SchemaType> = {};
  const commands: Record<string, CommandType> = {};
  const events: Record<string, EventType> = {};
  for (const entry of entries) {
    if (entry["meta-type"] === "command") {
      const oob = entry["allow-oob"] === true ? { "allow-oob": true as const } : {};
      commands[entry.name] = { data: `t${entry["arg-type"]}`, ...oob };
    } else if (entry["meta-type"] === "event") events[entry.name] = { data: `t${entry["arg-type"]}` };
    else {
      const type = typeOf(entry);
      if (type !== undefined) types[`t${entry.name}`] = type;
    }
  }
  return { types, commands, events };
}

function typeOf(entry: SchemaInfo): SchemaType | undefined {
  if (entry["meta-type"] === "enum") return { enum: entry.members.map(({ name }) => name) };
  if (entry["meta-type"] === "alternate") {
    return { alternate: Object.fromEntries(entry.members.map(({ type }, i) => [String(i), referenceTo(type)])) };
  }
  if (entry["meta-type"] !== "object") return undefined;
  const members: Members = Object.fromEntries(
    entry.members.map((member) => [`${"default" in member ? "*" : ""}${member.name}`, referenceTo(member.type)]),
  );
  if (entry.tag === undefined) return { struct: members };
  const branches = Object.fromEntries((entry.variants ?? []).map(({ case: word, type }) => [word, `t${type}`]));
  return { union: members, discriminator: entry.tag, branches };
}

function referenceTo(name: string): TypeReference {
  const list = /^\[(.*)\]$/.exec(name)?.[1];
  if (list !== undefined) return [nameOf(list)];
  return nameOf(name);
}

function nameOf(name: string): string {
  return /^\d+$/.test(name) ? `t${name}` : name;
}
