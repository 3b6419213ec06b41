import type { SchemaInfo, SchemaInfoObjectMember } from "../generated/types.ts";
import { allCases, allMembers, baseMembers } from "./object-members.ts";
import {
  BUILTIN_TYPES,
  type BuiltinType,
  type CommandDefinition,
  type EventDefinition,
  type Feature,
  type QapiSchema,
  type SchemaMember,
  type TypeDefinition,
  type TypeName,
} from "./schema-definition.ts";

/** How a schema is told of. */
export interface IntrospectOptions {
  /** Types by their names; else, as in QEMU, by numbers, so that nobody relies on their names. Default false. */
  readonly unmask?: boolean;
}

/**
 * What `query-qmp-schema` answers: the commands and the events in their order, then the types that they use. Conditions are
 * taken as true; leave out what is not there with `selectDefined` before.
 */
export function introspectSchema(schema: QapiSchema, options: IntrospectOptions = {}): readonly SchemaInfo[] {
  return new Introspector(schema, options.unmask ?? false).run();
}

/** A type that is still to be told of: a definition, a builtin, an array, or the members of an unnamed object. */
type UsedType = TypeDefinition | BuiltinType | { readonly kind: "array"; readonly element: string } | UnnamedObject;

interface UnnamedObject {
  readonly kind: "object";
  readonly name: string;
  readonly members: readonly SchemaMember[];
}

class Introspector {
  readonly #schema: QapiSchema;
  readonly #unmask: boolean;
  /** The types that are used, by their own names, in the order in which they are come upon. */
  readonly #used = new Map<string, UsedType>();
  readonly #masks = new Map<string, string>();

  constructor(schema: QapiSchema, unmask: boolean) {
    this.#schema = schema;
    this.#unmask = unmask;
  }

  run(): readonly SchemaInfo[] {
    const entries: SchemaInfo[] = [];
    for (const definition of this.#schema.definitions) {
      if (definition.kind === "command") entries.push(this.#command(definition));
      else if (definition.kind === "event") entries.push(this.#event(definition));
    }
    // The map grows while it is walked through.
    for (const type of this.#used.values()) entries.push(this.#type(type));
    return entries;
  }

  #command(definition: CommandDefinition): SchemaInfo {
    const { name, returns, allowsOob, features } = definition;
    return {
      name,
      "meta-type": "command",
      "arg-type": this.#data(definition),
      "ret-type": returns === undefined ? this.#unnamed("q_empty", []) : this.#use(returns),
      ...(allowsOob ? { "allow-oob": true } : {}),
      ...featuresOf(features),
    };
  }

  #event(definition: EventDefinition): SchemaInfo {
    const { name, features } = definition;
    return { name, "meta-type": "event", "arg-type": this.#data(definition), ...featuresOf(features) };
  }

  #data({ name, data }: CommandDefinition | EventDefinition): string {
    if (typeof data === "string") return this.#use({ name: data, isArray: false });
    if (data === undefined || data.length === 0) return this.#unnamed("q_empty", []);
    return this.#unnamed(`q_obj_${name}-arg`, data);
  }

  #unnamed(name: string, members: readonly SchemaMember[]): string {
    this.#used.set(name, { kind: "object", name, members });
    return this.#mask(name);
  }

  #use({ name, isArray }: TypeName): string {
    const builtin = BUILTIN_TYPES.get(name);
    const own = builtin?.jsonType === "int" ? "int" : name;
    if (isArray) {
      this.#used.set(`${own}List`, this.#used.get(`${own}List`) ?? { kind: "array", element: own });
      return `[${this.#use({ name: own, isArray: false })}]`;
    }
    const type = BUILTIN_TYPES.get(own) ?? this.#schema.types.get(own);
    if (type === undefined) throw new TypeError(`no type '${own}'`);
    this.#used.set(own, type);
    return builtin === undefined ? this.#mask(own) : own;
  }

  #mask(name: string): string {
    if (this.#unmask) return name;
    const mask = this.#masks.get(name) ?? String(this.#masks.size);
    this.#masks.set(name, mask);
    return mask;
  }

  #type(type: UsedType): SchemaInfo {
    switch (type.kind) {
      case "built-in":
        return { name: type.name, "meta-type": "builtin", "json-type": type.jsonType };
      case "array": {
        const element = this.#use({ name: type.element, isArray: false });
        return { name: `[${element}]`, "meta-type": "array", "element-type": element };
      }
      case "object":
        return { name: this.#mask(type.name), "meta-type": "object", members: this.#members(type.members) };
      default:
        return this.#definition(type);
    }
  }

  #definition(type: TypeDefinition): SchemaInfo {
    const name = this.#mask(type.name);
    const features = featuresOf(type.features);
    switch (type.kind) {
      case "enum": {
        const members = type.values.map((value) => ({ name: value.name, ...featuresOf(value.features) }));
        return { name, "meta-type": "enum", members, values: members.map((value) => value.name), ...features };
      }
      case "struct":
        return { name, "meta-type": "object", members: this.#members(allMembers(this.#schema, type)), ...features };
      case "union": {
        const members = this.#members(baseMembers(this.#schema, type));
        const variants = allCases(this.#schema, type).map(({ value, branch }) => ({
          case: value,
          type: branch === undefined ? this.#unnamed("q_empty", []) : this.#use(branch.type),
        }));
        return { name, "meta-type": "object", members, tag: type.discriminator, variants, ...features };
      }
      default: {
        const members = type.branches.map((branch) => ({ type: this.#use(branch.type) }));
        return { name, "meta-type": "alternate", members, ...features };
      }
    }
  }

  #members(members: readonly SchemaMember[]): SchemaInfoObjectMember[] {
    return members.map(({ name, type, isOptional, features }) => ({
      name,
      type: this.#use(type),
      ...(isOptional ? { default: null } : {}),
      ...featuresOf(features),
    }));
  }
}

function featuresOf(features: readonly Feature[]): { features?: string[] } {
  return features.length === 0 ? {} : { features: features.map(({ name }) => name) };
}
