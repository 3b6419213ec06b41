import type { TypeCatalog } from "./type-catalog.ts";

/** A whole number that may be too large for a `number`. */
type Wide = number | bigint;

interface Builtins {
  str: string;
  bool: boolean;
  number: number;
  size: Wide;
  int: Wide;
  int8: number;
  int16: number;
  int32: number;
  int64: Wide;
  uint8: number;
  uint16: number;
  uint32: number;
  uint64: Wide;
}

/** Shows the members of an intersection as one object. */
type Flat<T> = { [K in keyof T]: T[K] };

type ReferenceOf<C, R> = R extends readonly [infer E] ? TypeOf<C, E>[] : TypeOf<C, R>;

type MemberOf<C, M> = M extends { type: infer R; max: number }
  ? R extends keyof Builtins
    ? Exclude<Builtins[R], bigint>
    : ReferenceOf<C, R>
  : M extends { type: infer R }
    ? ReferenceOf<C, R>
    : ReferenceOf<C, M>;

/** The member's name if it is always there: mandatory, or with a default. */
type PresentName<K, M> = K extends `*${infer N}` ? (M extends { default: unknown } ? N : never) : K;
type AbsentName<K, M> = K extends `*${infer N}` ? (M extends { default: unknown } ? never : N) : never;

type MembersOf<C, M> = {
  -readonly [K in keyof M as PresentName<K, M[K]>]: MemberOf<C, M[K]>;
} & {
  -readonly [K in keyof M as AbsentName<K, M[K]>]?: MemberOf<C, M[K]>;
};

type StructOf<C, D> = D extends { struct: infer M; base: infer B }
  ? (B extends keyof C ? StructOf<C, C[B]> : unknown) & MembersOf<C, M>
  : D extends { struct: infer M }
    ? MembersOf<C, M>
    : unknown;

type BranchOf<C, B, V> = V extends keyof B ? (B[V] extends keyof C ? StructOf<C, C[B[V]]> : unknown) : unknown;

type UnionOf<C, M, K extends keyof M, B> =
  MemberOf<C, M[K]> extends infer V
    ? V extends string
      ? Flat<{ [N in K]: V } & MembersOf<C, Omit<M, K>> & BranchOf<C, B, V>>
      : never
    : never;

type DescriptionOf<C, D> = D extends { enum: readonly (infer V)[] }
  ? V
  : D extends { struct: unknown }
    ? Flat<StructOf<C, D>>
    : D extends { union: infer M; discriminator: infer K; branches: infer B }
      ? K extends keyof M
        ? UnionOf<C, M, K, B>
        : never
      : D extends { alternate: infer A }
        ? { [K in keyof A]: ReferenceOf<C, A[K]> }[keyof A]
        : never;

/**
 * The TypeScript type of a type of a catalog, or of a builtin:
 * `TypeOf<typeof types, "BlockdevOptions">`.
 */
export type TypeOf<C, N> = N extends keyof C ? DescriptionOf<C, C[N]> : N extends keyof Builtins ? Builtins[N] : never;

/** The names that a catalog defines. */
export type TypeName<C extends TypeCatalog> = keyof C & string;
