import { readCondition, type Condition } from "./schema-condition.ts";
import type { Branch, EnumValue, Feature, SchemaMember, TypeName } from "./schema-definition.ts";
import { isExpressionObject, type Expression, type ExpressionObject } from "./schema-expression.ts";
import { checkKeys } from "./schema-keys.ts";
import { checkLowerName, checkName, mangle, type Complain } from "./schema-name.ts";

/** Reads the members of an object; a leading `*` makes one optional. `what` is whose they are; `lax` allows older names. */
export function readMembers(
  members: ExpressionObject,
  what: string,
  lax: boolean,
  complain: Complain,
): readonly SchemaMember[] {
  return [...members].map(([key, value]) => {
    const whose = `${what} member '${key}'`;
    const isOptional = key.startsWith("*");
    const name = isOptional ? key.slice(1) : key;
    checkLowerName(name, whose, { upper: lax, underscore: lax }, complain);
    const mangled = mangle(name);
    if (mangled === "u" || mangled.startsWith("has_")) throw complain(`${whose} uses reserved name`);
    const fields = readFields(value, "type");
    checkKeys(fields, whose, ["type"], ["if", "features"], complain);
    const condition = readIf(fields, whose, complain);
    const features = readFeatures(fields.get("features"), complain);
    return { name, type: readType(fields.get("type"), whose, true, complain), isOptional, condition, features };
  });
}

/** Reads the branches of a union, whose types are names, or of an alternate, which may have lists. */
export function readBranches(branches: ExpressionObject, isAlternate: boolean, complain: Complain): readonly Branch[] {
  return [...branches].map(([name, value]) => {
    const whose = `'data' member '${name}'`;
    if (isAlternate) checkLowerName(name, whose, { upper: false, underscore: false }, complain);
    const fields = readFields(value, "type");
    checkKeys(fields, whose, ["type"], ["if"], complain);
    const condition = readIf(fields, whose, complain);
    return { name, type: readType(fields.get("type"), whose, isAlternate, complain), condition };
  });
}

/** Reads the values of an enum. `lax` allows older names. */
export function readValues(values: readonly Expression[], lax: boolean, complain: Complain): readonly EnumValue[] {
  return values.map((value) => {
    const fields = readFields(value, "name");
    checkKeys(fields, "'data' member", ["name"], ["if", "features"], complain);
    const name = readName(fields.get("name"), "'data' member", complain);
    const whose = `'data' member '${name}'`;
    const stem = /^\d/.test(name) ? `d${name}` : name;
    checkLowerName(stem, whose, { upper: lax, underscore: lax }, complain);
    const condition = readIf(fields, whose, complain);
    return { name, condition, features: readFeatures(fields.get("features"), complain) };
  });
}

/** Reads a list of features. */
export function readFeatures(value: Expression | undefined, complain: Complain): readonly Feature[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw complain("'features' must be an array");
  return value.map((item: Expression) => {
    const fields = readFields(item, "name");
    checkKeys(fields, "'features' member", ["name"], ["if"], complain);
    const name = readName(fields.get("name"), "'features' member", complain);
    const whose = `'features' member '${name}'`;
    checkName(name, whose, complain);
    return { name, condition: readIf(fields, whose, complain) };
  });
}

/** Reads the `if` among the members. */
export function readIf(fields: ExpressionObject, what: string, complain: Complain): Condition | undefined {
  const value = fields.get("if");
  return value === undefined ? undefined : readCondition(value, what, complain);
}

/** Reads a type's name or, where it is allowed, a list of one. */
export function readType(
  value: Expression | undefined,
  what: string,
  mayBeArray: boolean,
  complain: Complain,
): TypeName {
  if (typeof value === "string") return { name: value, isArray: false };
  if (!Array.isArray(value)) throw complain(`${what} should be a type name`);
  if (!mayBeArray) throw complain(`${what} cannot be an array`);
  const name: unknown = value[0];
  if (value.length === 1 && typeof name === "string") return { name, isArray: true };
  throw complain(`${what}: array type must contain single type name`);
}

/** Reads a name. */
export function readName(value: Expression | undefined, what: string, complain: Complain): string {
  if (typeof value === "string") return value;
  throw complain(`${what} requires a string name`);
}

/** The long form of what may be written as its main part alone. */
function readFields(value: Expression, key: string): ExpressionObject {
  return isExpressionObject(value) ? value : new Map([[key, value]]);
}
