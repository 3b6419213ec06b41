import { isTrue, type Condition } from "./schema-condition.ts";
import { BUILTIN_TYPES, type Definition, type QapiSchema, type TypeDefinition } from "./schema-definition.ts";
import { semanticError } from "./schema-error.ts";

interface Conditional {
  readonly condition: Condition | undefined;
}

/**
 * The part of a schema that is there where these symbols are defined: whatever has an `if` that is false is left out.
 *
 * @throws QapiSchemaError if what stays uses a type that does not
 */
export function selectDefined(schema: QapiSchema, defined: ReadonlySet<string>): QapiSchema {
  const keep = <T extends Conditional>(items: readonly T[]): readonly T[] =>
    items
      .filter(({ condition }) => isTrue(condition, defined))
      .map((item) =>
        "features" in item ? { ...item, features: keep(item.features as readonly Conditional[]) } : item,
      );
  const definitions = keep(schema.definitions).map((definition) => selectWithin(definition, keep));
  const types = new Map<string, TypeDefinition>();
  for (const [name, type] of schema.types) {
    if (isTrue(type.condition, defined)) types.set(name, type);
  }
  for (const definition of definitions) {
    if (definition.kind !== "command" && definition.kind !== "event") types.set(definition.name, definition);
    requireTypes(definition, types);
  }
  return { definitions, types, files: schema.files };
}

function selectWithin(
  definition: Definition,
  keep: <T extends Conditional>(items: readonly T[]) => readonly T[],
): Definition {
  switch (definition.kind) {
    case "enum":
      return { ...definition, values: keep(definition.values) };
    case "struct":
      return { ...definition, members: keep(definition.members) };
    case "union": {
      const { base, branches } = definition;
      return { ...definition, base: typeof base === "string" ? base : keep(base), branches: keep(branches) };
    }
    case "alternate":
      return { ...definition, branches: keep(definition.branches) };
    case "command":
      return { ...definition, data: typeof definition.data === "object" ? keep(definition.data) : definition.data };
    default:
      return { ...definition, data: typeof definition.data === "object" ? keep(definition.data) : definition.data };
  }
}

function requireTypes(definition: Definition, types: ReadonlyMap<string, TypeDefinition>): void {
  for (const name of namesUsed(definition)) {
    if (types.has(name) || BUILTIN_TYPES.has(name)) continue;
    throw semanticError(definition.place, `type '${name}' is used where its 'if' condition is false`, definition);
  }
}

/** The names of the types that a definition refers to. */
export function namesUsed(definition: Definition): readonly string[] {
  const ofItems = (items: string | readonly { type: { name: string } }[] | undefined): string[] => {
    if (items === undefined) return [];
    return typeof items === "string" ? [items] : items.map(({ type }) => type.name);
  };
  switch (definition.kind) {
    case "enum":
      return [];
    case "struct":
      return [...ofItems(definition.base), ...ofItems(definition.members)];
    case "union":
      return [...ofItems(definition.base), ...ofItems(definition.branches)];
    case "alternate":
      return ofItems(definition.branches);
    case "command":
      return [...ofItems(definition.data), ...ofItems(definition.returns?.name)];
    default:
      return ofItems(definition.data);
  }
}
