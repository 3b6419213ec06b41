import {
  BUILTIN_TYPES,
  type BuiltinType,
  type Definition,
  type EnumDefinition,
  type Feature,
  type SchemaMember,
  type StructDefinition,
  type TypeDefinition,
  type TypeName,
} from "./schema-definition.ts";
import { describePlace, semanticError } from "./schema-error.ts";
import { mangle, type Complain } from "./schema-name.ts";

/** The predefined enum: the kinds of values that QEMU's objects have. */
const QTYPE_VALUES = ["none", "qnull", "qnum", "qstring", "qdict", "qlist", "qbool"];

/** A schema's types by name, while they are checked. */
export class TypeTable {
  readonly #definitions = new Map<string, Definition>();
  readonly #types = new Map<string, TypeDefinition>();
  readonly #values = new Map<EnumDefinition, Set<string>>();
  readonly #numberLike = new Map<EnumDefinition, boolean>();

  /** Takes definitions in; no two may have one name. @throws QapiSchemaError */
  constructor(definitions: readonly Definition[]) {
    for (const definition of definitions) {
      const { name, kind } = definition;
      const complain = this.complaintsOf(definition);
      if (BUILTIN_TYPES.has(name)) throw complain(`built-in type '${name}' is already defined`);
      if (name === "QType") throw complain("enum type 'QType' is already defined");
      const other = this.#definitions.get(name);
      if (other !== undefined) {
        const where = describePlace(other.place, "previous definition", other);
        throw complain(`'${name}' is already defined\n${where}`);
      }
      this.#definitions.set(name, definition);
      if (kind !== "command" && kind !== "event") this.#types.set(name, definition);
    }
    const place = { file: { name: "", includedFrom: undefined }, line: 0, column: 0 };
    const base = { doc: undefined, condition: undefined, features: [], place };
    const values = QTYPE_VALUES.map((name) => ({ name, condition: undefined, features: [] }));
    this.#types.set("QType", { ...base, kind: "enum", name: "QType", values });
  }

  /** All types but the builtin ones. */
  get types(): ReadonlyMap<string, TypeDefinition> {
    return this.#types;
  }

  /** The type of that name. */
  get(name: string): TypeDefinition | BuiltinType | undefined {
    return this.#types.get(name) ?? BUILTIN_TYPES.get(name);
  }

  /** The struct of that name; undefined if it is something else. */
  structNamed({ name, isArray }: TypeName): StructDefinition | undefined {
    const type = isArray ? undefined : this.#types.get(name);
    return type?.kind === "struct" ? type : undefined;
  }

  /** The words of an enum. */
  valuesOf(definition: EnumDefinition): Set<string> {
    const values = this.#values.get(definition) ?? new Set(definition.values.map(({ name }) => name));
    this.#values.set(definition, values);
    return values;
  }

  /** True if a word of the enum begins like a number. */
  hasNumberLike(definition: EnumDefinition): boolean {
    const known = this.#numberLike.get(definition);
    if (known !== undefined) return known;
    const found = definition.values.some(({ name }) => /^[-+0-9.]/.test(name));
    this.#numberLike.set(definition, found);
    return found;
  }

  /** Checks that there is such a type. `what` uses it. @throws QapiSchemaError */
  resolve({ name }: TypeName, what: string, complain: Complain): TypeDefinition | BuiltinType {
    const type = this.get(name);
    if (type === undefined) throw complain(`${what} uses unknown type '${name}'`);
    return type;
  }

  /** Checks the types and the features of members. @throws QapiSchemaError */
  checkMembers(members: readonly SchemaMember[], role: string, complain: Complain): void {
    for (const { name, type, features } of members) {
      this.resolve(type, `${role} '${name}'`, complain);
      checkFeatureNames(features, complain);
    }
  }

  /** Makes the complaints about a definition. */
  complaintsOf(definition: Definition): Complain {
    return (problem) => semanticError(definition.place, problem, definition);
  }
}

/** What a type is, in words: `struct type 'A'`. */
export function describeType(types: TypeTable, { name, isArray }: TypeName): string {
  return isArray ? `array type ['${name}']` : `${types.get(name)?.kind} type '${name}'`;
}

/** No feature may be there twice. */
export function checkFeatureNames(features: readonly Feature[], complain: Complain): void {
  checkNames(features, "feature", complain);
}

/** No two names may be the same, nor the same in C. */
export function checkNames(items: readonly { readonly name: string }[], role: string, complain: Complain): void {
  const seen = new Map<string, string>();
  for (const { name } of items) {
    const other = seen.get(mangle(name));
    if (other !== undefined) throw complain(`${role} '${name}' collides with ${role} '${other}'`);
    seen.set(mangle(name), name);
  }
}
