import { checkAlternate } from "./check-alternate.ts";
import { checkDocumented } from "./check-documented.ts";
import { ObjectChecker } from "./check-object.ts";
import type { CommandDefinition, Definition, EventDefinition, TypeName } from "./schema-definition.ts";
import type { SchemaPragma } from "./schema-pragma.ts";
import { checkFeatureNames, checkNames, describeType, type TypeTable } from "./type-table.ts";

/** Checks what the definitions refer to. @throws QapiSchemaError */
export function checkDefinitions(definitions: readonly Definition[], types: TypeTable, pragma: SchemaPragma): void {
  const objects = new ObjectChecker(types);
  for (const definition of definitions) {
    checkArrays(definition, types);
    checkFeatureNames(definition.features, types.complaintsOf(definition));
    checkDefinition(definition, types, objects, pragma);
    checkDocumented(definition, types);
  }
}

function checkDefinition(definition: Definition, types: TypeTable, objects: ObjectChecker, pragma: SchemaPragma): void {
  const { kind } = definition;
  if (kind === "command" || kind === "event") {
    checkData(definition, types);
    if (kind === "command") checkReturns(definition, types, pragma);
    return;
  }
  const special = definition.features.find(({ name }) => name === "deprecated" || name === "unstable");
  const complain = types.complaintsOf(definition);
  if (special !== undefined) throw complain(`feature '${special.name}' is not supported for types`);
  if (kind === "struct") objects.checkStruct(definition);
  else if (kind === "union") objects.checkUnion(definition);
  else if (kind === "alternate") checkAlternate(definition, types);
  else {
    checkNames(definition.values, "value", complain);
    for (const { features } of definition.values) checkFeatureNames(features, complain);
  }
}

/** Lists are types of their own, and looked at before what uses them. */
function checkArrays(definition: Definition, types: TypeTable): void {
  const complain = types.complaintsOf(definition);
  for (const type of typesUsed(definition)) {
    if (type.isArray) types.resolve(type, definition.kind, complain);
  }
}

function typesUsed(definition: Definition): readonly TypeName[] {
  switch (definition.kind) {
    case "enum":
      return [];
    case "struct":
      return definition.members.map(({ type }) => type);
    case "union":
      return typeof definition.base === "string" ? [] : definition.base.map(({ type }) => type);
    case "alternate":
      return definition.branches.map(({ type }) => type);
    case "command":
      return [...dataTypes(definition), ...(definition.returns === undefined ? [] : [definition.returns])];
    default:
      return dataTypes(definition);
  }
}

function dataTypes({ data }: CommandDefinition | EventDefinition): readonly TypeName[] {
  return typeof data === "object" ? data.map(({ type }) => type) : [];
}

function checkData(definition: CommandDefinition | EventDefinition, types: TypeTable): void {
  const { kind, data, isBoxed } = definition;
  const complain = types.complaintsOf(definition);
  if (data === undefined) return;
  if (typeof data !== "string") {
    types.checkMembers(data, "parameter", complain);
    checkNames(data, "parameter", complain);
    return;
  }
  const name = { name: data, isArray: false };
  const type = types.resolve(name, `${kind}'s 'data'`, complain);
  if (type.kind !== "struct" && type.kind !== "union") {
    throw complain(`${kind}'s 'data' cannot take ${describeType(types, name)}`);
  }
  if (type.kind === "union" && !isBoxed) {
    throw complain(`${kind}'s 'data' can take ${describeType(types, name)} only with 'boxed': true`);
  }
}

function checkReturns(definition: CommandDefinition, types: TypeTable, pragma: SchemaPragma): void {
  const { name, returns } = definition;
  const complain = types.complaintsOf(definition);
  if (returns === undefined) return;
  const { kind } = types.resolve(returns, "command's 'returns'", complain);
  if (kind === "struct" || kind === "union" || pragma.commandReturnsExceptions.includes(name)) return;
  throw complain(`command's 'returns' cannot take ${describeType(types, returns)}`);
}
