import type { MemberDescription, TypeCatalog } from "@rehandle/options";

/** What the schema's language cannot say of members, by type and member. */
type Details = Readonly<Record<string, Readonly<Record<string, Omit<MemberDescription, "type" | "help">>>>>;

type NameOf<K> = K extends `*${infer N}` ? N : K;

type DetailedMembers<M, D> = { readonly [K in keyof M]: NameOf<K> extends keyof D ? M[K] & D[NameOf<K>] : M[K] };

type DetailedType<T, D> = {
  readonly [K in keyof T]: K extends "struct" | "union" ? DetailedMembers<T[K], D> : T[K];
};

/** A catalog whose members have more to say. */
export type Detailed<C, D> = { readonly [N in keyof C]: N extends keyof D ? DetailedType<C[N], D[N]> : C[N] };

/** Adds defaults, bounds and units to a catalog that was generated; its help then need not name them once more. */
export function withDetails<const C extends TypeCatalog, const D extends Details>(
  catalog: C,
  details: D,
): Detailed<C, D> {
  const types = Object.entries(catalog).map(([name, type]) => {
    const more = details[name];
    if (more === undefined) return [name, type] as const;
    if ("struct" in type) return [name, { ...type, struct: withMembers(type.struct, more) }] as const;
    return "union" in type
      ? ([name, { ...type, union: withMembers(type.union, more) }] as const)
      : ([name, type] as const);
  });
  return Object.fromEntries(types) as Detailed<C, D>;
}

function withMembers(
  members: Readonly<Record<string, unknown>>,
  details: Details[string],
): Record<string, MemberDescription> {
  const entries = Object.entries(members).map(([key, given]) => {
    const member = given as MemberDescription;
    const more = details[key.replace("*", "")];
    return [key, more === undefined ? member : withDetail(member, more)] as const;
  });
  return Object.fromEntries(entries);
}

function withDetail({ help, ...member }: MemberDescription, more: Details[string][string]): MemberDescription {
  const withoutDefault = more.default === undefined ? help : help?.replace(/ \(default: [^)]*\)$/, "");
  const text = more.unit === undefined ? withoutDefault : withoutDefault?.replace(`, in ${more.unit}`, "");
  return { ...member, ...(text === undefined ? {} : { help: text }), ...more };
}
