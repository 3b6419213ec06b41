import type { AlternateDefinition, BuiltinType, EnumDefinition, TypeDefinition } from "./schema-definition.ts";
import { checkNames, describeType, type TypeTable } from "./type-table.ts";

/** Kinds of JSON values, as far as an alternate can tell its branches apart. */
type ValueKind = "object" | "array" | "string" | "number" | "boolean" | "null";

const KINDS: Readonly<Record<BuiltinType["jsonType"], ValueKind | undefined>> = {
  string: "string",
  number: "number",
  int: "number",
  boolean: "boolean",
  null: "null",
  value: undefined,
};

/** Checks that each branch of an alternate can be told from the others. @throws QapiSchemaError */
export function checkAlternate(definition: AlternateDefinition, types: TypeTable): void {
  const complain = types.complaintsOf(definition);
  const seen = new Map<ValueKind, string>();
  for (const { name, type } of definition.branches) types.resolve(type, `branch '${name}'`, complain);
  checkNames(definition.branches, "branch", complain);
  for (const { name, type } of definition.branches) {
    const resolved = types.resolve(type, `branch '${name}'`, complain);
    const kinds = type.isArray ? (["array"] as const) : kindsOf(resolved, types);
    if (kinds.length === 0) throw complain(`branch '${name}' cannot use ${describeType(types, type)}`);
    for (const kind of kinds) {
      const other = seen.get(kind);
      if (other !== undefined) throw complain(`branch '${name}' can't be distinguished from '${other}'`);
      seen.set(kind, name);
    }
  }
}

/** What values of a type can look like: in keyval input, numbers and booleans are strings. */
function kindsOf(type: TypeDefinition | BuiltinType, types: TypeTable): readonly ValueKind[] {
  if (type.kind === "struct" || type.kind === "union") return ["object"];
  if (type.kind === "alternate") return [];
  if (type.kind === "enum") return ["string", ...likeEnum(type, types)];
  if (type.name === "str") return ["string", "number", "boolean"];
  const kind = KINDS[type.jsonType];
  return kind === undefined ? [] : [kind];
}

function likeEnum(type: EnumDefinition, types: TypeTable): ValueKind[] {
  const values = types.valuesOf(type);
  const kinds: ValueKind[] = [];
  if (values.has("on") || values.has("off")) kinds.push("boolean");
  // Whatever begins like a number counts as one; QEMU does not look closer, either.
  if (types.hasNumberLike(type)) kinds.push("number");
  return kinds;
}
