import type { DocComment } from "./doc-comment.ts";
import type { Condition } from "./schema-condition.ts";
import type { SourcePlace } from "./source-place.ts";

/** A type by its name, or a list of it. */
export interface TypeName {
  readonly name: string;
  readonly isArray: boolean;
}

/** A property that can be asked for by introspection; `deprecated` and `unstable` have a meaning of their own. */
export interface Feature {
  readonly name: string;
  readonly condition: Condition | undefined;
}

/** A member of an object or an argument. */
export interface SchemaMember {
  readonly name: string;
  readonly type: TypeName;
  readonly isOptional: boolean;
  readonly condition: Condition | undefined;
  readonly features: readonly Feature[];
}

/** A value of an enum. */
export interface EnumValue {
  readonly name: string;
  readonly condition: Condition | undefined;
  readonly features: readonly Feature[];
}

/** A branch of a union or an alternate. */
export interface Branch {
  readonly name: string;
  readonly type: TypeName;
  readonly condition: Condition | undefined;
}

/** What all definitions have. */
export interface DefinitionBase {
  readonly name: string;
  readonly place: SourcePlace;
  readonly doc: DocComment | undefined;
  readonly condition: Condition | undefined;
  readonly features: readonly Feature[];
}

/** One of some words. */
export interface EnumDefinition extends DefinitionBase {
  readonly kind: "enum";
  readonly values: readonly EnumValue[];
}

/** An object. */
export interface StructDefinition extends DefinitionBase {
  readonly kind: "struct";
  readonly members: readonly SchemaMember[];
  /** The struct whose members come first. */
  readonly base: string | undefined;
}

/** An object with more members, depending on the value of one of its members. */
export interface UnionDefinition extends DefinitionBase {
  readonly kind: "union";
  /** The members that are always there, or the struct that has them. */
  readonly base: string | readonly SchemaMember[];
  readonly discriminator: string;
  /** A value of the discriminator that is not among them adds nothing. */
  readonly branches: readonly Branch[];
}

/** One of some types, told apart by their kind of JSON value. */
export interface AlternateDefinition extends DefinitionBase {
  readonly kind: "alternate";
  readonly branches: readonly Branch[];
}

/** A command. */
export interface CommandDefinition extends DefinitionBase {
  readonly kind: "command";
  /** Its arguments, or the type that has them. */
  readonly data: string | readonly SchemaMember[] | undefined;
  readonly returns: TypeName | undefined;
  readonly isBoxed: boolean;
  /** May be sent out of band. */
  readonly allowsOob: boolean;
  /** May be sent before the machine is made. */
  readonly allowsPreconfig: boolean;
  readonly isCoroutine: boolean;
  /** False if the command checks its arguments by itself and so takes more than it says. */
  readonly isChecked: boolean;
  /** False if success is not answered. */
  readonly isAnswered: boolean;
}

/** An event. */
export interface EventDefinition extends DefinitionBase {
  readonly kind: "event";
  /** Its data, or the type that has them. */
  readonly data: string | readonly SchemaMember[] | undefined;
  readonly isBoxed: boolean;
}

/** What a schema defines. */
export type Definition =
  | EnumDefinition
  | StructDefinition
  | UnionDefinition
  | AlternateDefinition
  | CommandDefinition
  | EventDefinition;

/** The definitions that are types. */
export type TypeDefinition = EnumDefinition | StructDefinition | UnionDefinition | AlternateDefinition;

/** A builtin type, by its name. */
export interface BuiltinType {
  readonly kind: "built-in";
  readonly name: string;
  /** As introspection calls it. */
  readonly jsonType: "string" | "number" | "int" | "boolean" | "null" | "value";
}

const INTEGERS = ["int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "size"];

/** The types that every schema has. */
export const BUILTIN_TYPES: ReadonlyMap<string, BuiltinType> = new Map(
  (
    [
      ["str", "string"],
      ["number", "number"],
      ...INTEGERS.map((name) => [name, "int"] as const),
      ["bool", "boolean"],
      ["any", "value"],
      ["null", "null"],
    ] as const
  ).map(([name, jsonType]): [string, BuiltinType] => [name, { kind: "built-in", name, jsonType }]),
);

/** A checked schema. */
export interface QapiSchema {
  /** In the order of the files. The predefined enum `QType` is not among them. */
  readonly definitions: readonly Definition[];
  /** All types but the builtin ones, by name. */
  readonly types: ReadonlyMap<string, TypeDefinition>;
  /** The files that it was read from. */
  readonly files: readonly string[];
}
