/** A builtin of QAPI, the name of a type of the schema, or a list of either as `["str"]`. */
export type TypeReference = string | readonly [string];

/** Members by name; a leading `*` marks one that may be left out. */
export type Members = Readonly<Record<string, TypeReference>>;

/** One of some words. */
export interface EnumType {
  readonly enum: readonly string[];
}

/** An object with these members, after those of the struct that `base` names. */
export interface StructType {
  readonly struct: Members;
  readonly base?: string;
}

/** An object with the members of `union` and those of the struct that its discriminator's value names in `branches`. */
export interface UnionType {
  readonly union: Members;
  readonly discriminator: string;
  readonly branches: Readonly<Record<string, string>>;
}

/** One of several types that differ by their kind of JSON value. */
export interface AlternateType {
  readonly alternate: Readonly<Record<string, TypeReference>>;
}

/** Any type that a schema can hold. */
export type SchemaType = EnumType | StructType | UnionType | AlternateType;

/** A command: its arguments, its result (none is `{}`), and whether it may overtake others. */
export interface CommandType {
  /** Members, or the name of a struct or union that is all of the arguments. Default: none. */
  readonly data?: Members | string;
  /** Default: nothing, which is `{}` on the wire. */
  readonly returns?: TypeReference;
  /** True if the command never waits for anything and may be sent as `exec-oob`. */
  readonly "allow-oob"?: true;
}

/** An event and its data. */
export interface EventType {
  /** Default: none. */
  readonly data?: Members;
}

/**
 * A QAPI schema as plain data: a literal `as const`, from which TypeScript reads the types that the checks read at run
 * time. It says what a schema file says, in the same words.
 */
export interface Schema {
  readonly types: Readonly<Record<string, SchemaType>>;
  readonly commands: Readonly<Record<string, CommandType>>;
  readonly events: Readonly<Record<string, EventType>>;
}

/** A member without its `*`. */
export interface Member {
  readonly name: string;
  readonly type: TypeReference;
  readonly optional: boolean;
}

/** The members in their order. */
export function membersOf(members: Members): Member[] {
  return Object.entries(members).map(([key, type]) =>
    key.startsWith("*") ? { name: key.slice(1), type, optional: true } : { name: key, type, optional: false },
  );
}

/** The members of a struct, those of its bases first. */
export function structMembers(schema: Schema, name: string): Member[] {
  const type = own(schema.types, name);
  if (type === undefined || !("struct" in type)) throw new TypeError(`no struct '${name}'`);
  const members = membersOf(type.struct);
  return type.base === undefined ? members : [...structMembers(schema, type.base), ...members];
}

/** The entry of that name, if it is the table's own: `constructor` is a name like any other. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
