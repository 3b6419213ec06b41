import { readBranches, readFeatures, readIf, readMembers, readName, readType, readValues } from "./read-members.ts";
import type { Definition, SchemaMember } from "./schema-definition.ts";
import { semanticError } from "./schema-error.ts";
import { isExpressionObject, type Expression, type ExpressionObject } from "./schema-expression.ts";
import type { RawDefinition } from "./schema-files.ts";
import { checkKeys } from "./schema-keys.ts";
import { checkDefinitionName, type Complain } from "./schema-name.ts";
import type { SchemaPragma } from "./schema-pragma.ts";

type Kind = Definition["kind"];

/** What a definition is made of, as its kind reads it. */
interface Source {
  readonly name: string;
  readonly fields: ExpressionObject;
  /** The pragma allows older names of its members. */
  readonly lax: boolean;
  readonly complain: Complain;
}

/** Keys that a definition must have besides its kind, and those that it may have besides `if` and `features`. */
const KEYS: Readonly<Record<Kind, { required: readonly string[]; optional: readonly string[] }>> = {
  enum: { required: ["data"], optional: ["prefix"] },
  struct: { required: ["data"], optional: ["base"] },
  union: { required: ["base", "discriminator", "data"], optional: [] },
  alternate: { required: ["data"], optional: [] },
  command: {
    required: [],
    optional: ["data", "returns", "boxed", "gen", "success-response", "allow-oob", "allow-preconfig", "coroutine"],
  },
  event: { required: [], optional: ["data", "boxed"] },
};

const KINDS = Object.keys(KEYS) as Kind[];

/** Checks the form of a definition; what it refers to is checked later. @throws QapiSchemaError */
export function readDefinition({ expression, place, doc }: RawDefinition, pragma: SchemaPragma): Definition {
  const kinds = KINDS.filter((kind) => expression.has(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const list = "'enum', 'struct', 'union', 'alternate', 'command', 'event'";
    throw semanticError(place, `expression must have exactly one key ${list}`);
  }
  const name = readName(expression.get(kind), `'${kind}'`, (problem) => semanticError(place, problem));
  const complain: Complain = (problem) => semanticError(place, problem, { kind, name });
  checkDefinitionName(name, kind, pragma.commandNameExceptions.includes(name), complain);
  if (doc === undefined) {
    if (pragma.docRequired) throw complain("documentation comment required");
  } else if (doc.symbol !== name) throw complain(`documentation comment is for '${doc.symbol}'`);
  else if (kind !== "command" && doc.sections.some(({ tag }) => tag === "Returns")) {
    throw semanticError(doc.place, "'Returns:' is only valid for commands", { kind, name });
  }
  const { required, optional } = KEYS[kind];
  checkKeys(expression, kind, [kind, ...required], [...optional, "if", "features"], complain);
  const source = { name, fields: expression, lax: pragma.memberNameExceptions.includes(name), complain };
  const body = READERS[kind](source);
  const condition = readIf(expression, kind, complain);
  const features = readFeatures(expression.get("features"), complain);
  checkFlags(expression, complain);
  return { ...body, name, place, doc, condition, features };
}

/** What only a definition of its kind has. */
type Body<K extends Kind> = Omit<Extract<Definition, { kind: K }>, "name" | "place" | "doc" | "condition" | "features">;

const READERS: { readonly [K in Kind]: (source: Source) => Body<K> } = {
  enum: ({ fields, lax, complain }) => {
    const data = fields.get("data");
    const prefix = fields.get("prefix");
    if (!Array.isArray(data)) throw complain("'data' must be an array");
    if (prefix !== undefined && typeof prefix !== "string") throw complain("'prefix' must be a string");
    return { kind: "enum", values: readValues(data, lax, complain) };
  },
  struct: ({ fields, lax, complain }) => {
    const members = readData(fields.get("data"), "'data'", lax, complain);
    if (members === undefined || typeof members === "string") throw complain("'data' must be an object");
    const base = fields.get("base");
    return { kind: "struct", members, base: base === undefined ? undefined : readTypeName(base, "'base'", complain) };
  },
  union: ({ fields, lax, complain }) => {
    const base = readData(fields.get("base"), "'base'", lax, complain) ?? [];
    const discriminator = readName(fields.get("discriminator"), "'discriminator'", complain);
    const data = fields.get("data");
    if (!isExpressionObject(data)) throw complain("'data' must be an object");
    return { kind: "union", base, discriminator, branches: readBranches(data, false, complain) };
  },
  alternate: ({ fields, complain }) => {
    const data = fields.get("data");
    if (isEmpty(data)) throw complain("'data' must not be empty");
    if (!isExpressionObject(data)) throw complain("'data' must be an object");
    return { kind: "alternate", branches: readBranches(data, true, complain) };
  },
  command: (source) => {
    const { fields, complain } = source;
    const data = readArguments(source);
    const returns = fields.get("returns");
    return {
      kind: "command",
      data,
      returns: returns === undefined ? undefined : readType(returns, "'returns'", true, complain),
      isBoxed: fields.get("boxed") === true,
      allowsOob: fields.get("allow-oob") === true,
      allowsPreconfig: fields.get("allow-preconfig") === true,
      isCoroutine: fields.get("coroutine") === true,
      isChecked: fields.get("gen") !== false,
      isAnswered: fields.get("success-response") !== false,
    };
  },
  event: (source) => ({
    kind: "event",
    data: readArguments(source),
    isBoxed: source.fields.get("boxed") === true,
  }),
};

function readArguments({ fields, complain }: Source): string | readonly SchemaMember[] | undefined {
  const data = fields.get("data");
  if (fields.get("boxed") !== true) return readData(data, "'data'", false, complain);
  if (data === undefined) throw complain("'boxed': true requires 'data'");
  return readTypeName(data, "'data'", complain);
}

/** Reads members, or the name of a type that has them. */
function readData(
  value: Expression | undefined,
  what: string,
  lax: boolean,
  complain: Complain,
): string | readonly SchemaMember[] | undefined {
  if (value === undefined || typeof value === "string") return value;
  if (isExpressionObject(value)) return readMembers(value, what, lax, complain);
  throw complain(Array.isArray(value) ? `${what} cannot be an array` : `${what} should be an object or type name`);
}

function readTypeName(value: Expression, what: string, complain: Complain): string {
  return readType(value, what, false, complain).name;
}

function isEmpty(value: Expression | undefined): boolean {
  if (isExpressionObject(value)) return value.size === 0;
  return Array.isArray(value) ? value.length === 0 : value === "" || value === false;
}

function checkFlags(fields: ExpressionObject, complain: Complain): void {
  for (const key of ["gen", "success-response"]) {
    if (fields.has(key) && fields.get(key) !== false) throw complain(`flag '${key}' may only use false value`);
  }
  for (const key of ["boxed", "allow-oob", "allow-preconfig", "coroutine"]) {
    if (fields.has(key) && fields.get(key) !== true) throw complain(`flag '${key}' may only use true value`);
  }
  if (fields.has("allow-oob") && fields.has("coroutine")) {
    throw complain("flags 'allow-oob' and 'coroutine' are incompatible");
  }
}
