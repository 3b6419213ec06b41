/** The types that need no description; the names are QAPI's. `size` and the wide integers may come out as a bigint. */
export type BuiltinType =
  | "str"
  | "bool"
  | "number"
  | "size"
  | "int"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64";

/** A builtin, the name of a type of the catalog, or a list of either as `["str"]`. */
export type TypeReference = string | readonly [string];

/** A member with more to say than its type. */
export interface MemberDescription {
  readonly type: TypeReference;
  /** The value of a member that is not given. Default: the member stays absent. */
  readonly default?: string | number | boolean;
  /** One line for people: what it does, from its first letter small to no full stop. */
  readonly help?: string;
  /** Of a number: `s`, `ms`, `bytes`. */
  readonly unit?: string;
  /** The smallest number taken. Default: what the type can hold. */
  readonly min?: number;
  /** The largest number taken, at most 2^53-1. Default: what the type can hold. With it, no value is a bigint. */
  readonly max?: number;
  /**
   * What a shell completes the value with: `file` is the names of files, any other word the names that earlier options gave
   * to things of this kind. Default: what the type has, its words or none.
   */
  readonly completes?: string;
  /** The value names a new thing of this kind: `node`, `chardev`. Default: it names nothing new. */
  readonly names?: string;
  /**
   * Words that a text can be, or those choices of an enum or a union that make sense, for the help and the completion; the
   * parser takes others, too. Default: all of an enum, any text.
   */
  readonly words?: readonly string[];
  /** True for what is known to the parser and left out of help, manual, page and completion. Default: false */
  readonly hidden?: true;
}

/** Members by name; a leading `*` marks one that may be left out. Their order is the order in which they are checked. */
export type Members = Readonly<Record<string, TypeReference | MemberDescription>>;

/** One of some words. */
export interface EnumDescription {
  readonly enum: readonly string[];
  readonly help?: string;
}

/** An object with these members, after those of the struct that `base` names. */
export interface StructDescription {
  readonly struct: Members;
  readonly base?: string;
  readonly help?: string;
}

/** An object with the members of `union` and those of the branch that its `discriminator`, a member of an enum type, names. */
export interface UnionDescription {
  readonly union: Members;
  readonly discriminator: string;
  /** A value of the enum without a branch adds no members. A branch is the name of a struct. */
  readonly branches: Readonly<Record<string, string>>;
  readonly help?: string;
}

/** One of several types that differ by their kind of value: a text, a number, a bool, an object or a list. */
export interface AlternateDescription {
  readonly alternate: Readonly<Record<string, TypeReference>>;
  readonly help?: string;
}

/** Any type that a catalog can hold. */
export type TypeDescription = EnumDescription | StructDescription | UnionDescription | AlternateDescription;

/**
 * Types by name: a literal `as const` (isolated declarations know no `satisfies`), so that TypeScript sees the same description that the parser,
 * the checks and the help use. Catalogs are put together with a spread.
 */
export type TypeCatalog = Readonly<Record<string, TypeDescription>>;

/** The description behind a name, if the catalog has it. */
export function findType(types: TypeCatalog, name: string): TypeDescription | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

/** One member, as every reader of a description wants it. */
export interface ResolvedMember extends MemberDescription {
  readonly name: string;
  readonly optional: boolean;
}

/** The members, `*` and short forms resolved. */
export function resolveMembers(members: Members): ResolvedMember[] {
  return Object.entries(members).map(([key, value]) => {
    const optional = key.startsWith("*");
    const description = isMemberDescription(value) ? value : { type: value };
    return { ...description, name: optional ? key.slice(1) : key, optional };
  });
}

function isMemberDescription(value: TypeReference | MemberDescription): value is MemberDescription {
  return typeof value === "object" && "type" in value;
}

/** The members of a struct, those of its bases first. A name that is no struct is a mistake of the catalog's author. */
export function structMembers(types: TypeCatalog, name: string): ResolvedMember[] {
  const description = findType(types, name);
  if (description === undefined || !("struct" in description)) throw new TypeError(`no struct '${name}'`);
  const own = resolveMembers(description.struct);
  return description.base === undefined ? own : [...structMembers(types, description.base), ...own];
}
