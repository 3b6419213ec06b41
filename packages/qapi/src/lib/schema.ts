/** What is worked out once it is needed; a generated type has its members so, because types may refer to each other. */
export type Lazy<T> = T | (() => T);

/** A builtin of QAPI or the name of a type of the schema, a type itself, or a list of either as `["str"]`. */
export type TypeReference = string | SchemaType | readonly [string | SchemaType];

/** Members by name; a leading `*` marks one that may be left out. */
export type Members = Readonly<Record<string, TypeReference>>;

/** One of some words. */
export interface EnumType {
  readonly enum: readonly string[];
}

/** An object with these members, after those of the struct that `base` names or is. */
export interface StructType {
  readonly struct: Lazy<Members>;
  /** The struct whose members come first: its name, or itself. */
  readonly base?: string | (() => StructType);
}

/** An object with the members of `base` and `union`, and those of the struct that its discriminator's value names in `branches`. */
export interface UnionType {
  readonly union: Lazy<Members>;
  /** Of generated types only: TypeScript does not follow it in a literal. */
  readonly base?: string | (() => StructType);
  readonly discriminator: string;
  readonly branches: Lazy<Readonly<Record<string, string | StructType>>>;
}

/** One of several types that differ by their kind of JSON value. */
export interface AlternateType {
  readonly alternate: Lazy<Readonly<Record<string, TypeReference>>>;
  /** What errors call it. Default: the name that it was reached by. */
  readonly name?: string;
}

/** Any type that a schema can hold. */
export type SchemaType = EnumType | StructType | UnionType | AlternateType;

/** A type that carries the TypeScript type of its values, as the generator writes it. */
export type TypeOf<T> = SchemaType & {
  /** Never there: it tells TypeScript what the values are. */
  readonly "~type"?: T;
};

/** A struct that carries the TypeScript type of its values. */
export type StructTypeOf<T> = StructType & {
  /** Never there: it tells TypeScript what the values are. */
  readonly "~type"?: T;
};

/** A command: its arguments, its result (none is `{}`), and whether it may overtake others. */
export interface CommandType {
  /** Members, or the name of a struct or union that is all of the arguments. Default: none. */
  readonly data?: Members | string;
  /** The struct or union that is all of the arguments, instead of `data`. */
  readonly boxed?: SchemaType;
  /** False if the command takes more than `data` says and checks its arguments by itself. */
  readonly gen?: false;
  /** Default: nothing, which is `{}` on the wire. */
  readonly returns?: TypeReference;
  /** True if the command never waits for anything and may be sent as `exec-oob`. */
  readonly "allow-oob"?: true;
}

/** An event and its data. */
export interface EventType {
  /** Default: none. */
  readonly data?: Members | string;
  /** The struct or union that is all of the data, instead of `data`. */
  readonly boxed?: SchemaType;
}

/**
 * A QAPI schema as plain data: a literal `as const`, from which TypeScript reads the types that the checks read at run
 * time, or what the generator made of a schema file. It says what a schema file says, in the same words.
 */
export interface Schema {
  readonly types: Readonly<Record<string, SchemaType>>;
  readonly commands: Readonly<Record<string, CommandType>>;
  readonly events: Readonly<Record<string, EventType>>;
}

/**
 * A schema that carries the TypeScript types of its commands and events, as the generator writes it: `Commands` has
 * `{ arguments, returns }` by name, either left out if there is nothing; `Events` has `{ data }`.
 */
export interface TypedSchema<Commands, Events> extends Schema {
  /** Never there: it tells TypeScript what the commands and the events are. */
  readonly "~map"?: { readonly commands: Commands; readonly events: Events };
}

/** A member without its `*`. */
export interface Member {
  readonly name: string;
  readonly type: TypeReference;
  readonly optional: boolean;
}

const memberLists = new WeakMap<Members, readonly Member[]>();

/** The members in their order. */
export function membersOf(members: Members): readonly Member[] {
  const known = memberLists.get(members);
  if (known !== undefined) return known;
  const list = Object.entries(members).map(([key, type]) =>
    key.startsWith("*") ? { name: key.slice(1), type, optional: true } : { name: key, type, optional: false },
  );
  memberLists.set(members, list);
  return list;
}

const forced = new WeakMap<() => object, object>();

/** The value of what may be lazy; worked out once. */
export function force<T extends object>(value: Lazy<T>): T {
  if (typeof value !== "function") return value;
  const known = forced.get(value) ?? value();
  forced.set(value, known);
  return known as T;
}

/** The type that a reference means; a name that the schema does not know stays one, it may be a builtin's. */
export function resolveType(schema: Schema, reference: string | SchemaType): SchemaType | string {
  return typeof reference === "string" ? (own(schema.types, reference) ?? reference) : reference;
}

/** The members of a struct, those of its bases first. */
export function structMembers(schema: Schema, struct: string | StructType): readonly Member[] {
  const type = resolveType(schema, struct);
  if (typeof type === "string" || !("struct" in type)) throw new TypeError(`no struct '${JSON.stringify(struct)}'`);
  return [...baseMembers(schema, type.base), ...membersOf(force(type.struct))];
}

/** The members that all values of a union have. */
export function unionMembers(schema: Schema, type: UnionType): readonly Member[] {
  return [...baseMembers(schema, type.base), ...membersOf(force(type.union))];
}

function baseMembers(schema: Schema, base: StructType["base"]): readonly Member[] {
  if (base === undefined) return [];
  return structMembers(schema, typeof base === "function" ? base() : base);
}

/** The entry of that name, if it is the table's own: `constructor` is a name like any other. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
