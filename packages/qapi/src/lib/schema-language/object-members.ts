import type {
  Branch,
  EnumValue,
  QapiSchema,
  SchemaMember,
  StructDefinition,
  UnionDefinition,
} from "./schema-definition.ts";

/** The struct of that name. @throws TypeError if there is none, which the checks do not let happen */
function structOf(schema: QapiSchema, name: string): StructDefinition {
  const type = schema.types.get(name);
  if (type?.kind !== "struct") throw new TypeError(`no struct '${name}'`);
  return type;
}

/** The members of a struct, those of its bases first. */
export function allMembers(schema: QapiSchema, { base, members }: StructDefinition): readonly SchemaMember[] {
  return base === undefined ? members : [...allMembers(schema, structOf(schema, base)), ...members];
}

/** The members that all values of a union have. */
export function baseMembers(schema: QapiSchema, { base }: UnionDefinition): readonly SchemaMember[] {
  return typeof base === "string" ? allMembers(schema, structOf(schema, base)) : base;
}

/** The words of a union's discriminator. */
function discriminatorValues(schema: QapiSchema, union: UnionDefinition): readonly EnumValue[] {
  const tag = baseMembers(schema, union).find(({ name }) => name === union.discriminator);
  const type = schema.types.get(tag?.type.name ?? "");
  return type?.kind === "enum" ? type.values : [];
}

/** A union's branches: first those that it names, then, with no branch, the other words of the discriminator. */
export function allCases(
  schema: QapiSchema,
  union: UnionDefinition,
): readonly { readonly value: string; readonly branch: Branch | undefined }[] {
  const named = new Set(union.branches.map(({ name }) => name));
  return [
    ...union.branches.map((branch) => ({ value: branch.name, branch })),
    ...discriminatorValues(schema, union)
      .filter(({ name }) => !named.has(name))
      .map(({ name }) => ({ value: name, branch: undefined })),
  ];
}
