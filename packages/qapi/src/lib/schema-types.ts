import type { Schema } from "./schema.ts";

type Wide = number | bigint;

interface Builtins {
  str: string;
  bool: boolean;
  number: number;
  int: Wide;
  int8: number;
  int16: number;
  int32: number;
  int64: Wide;
  uint8: number;
  uint16: number;
  uint32: number;
  uint64: Wide;
  size: Wide;
  null: null;
  any: unknown;
}

type Flat<T> = { [K in keyof T]: T[K] };

type ReferenceOf<T, R> = R extends readonly [infer E] ? NamedOf<T, E>[] : NamedOf<T, R>;

type MembersOf<T, M> = {
  -readonly [K in keyof M as K extends `*${string}` ? never : K]: ReferenceOf<T, M[K]>;
} & {
  -readonly [K in keyof M as K extends `*${infer N}` ? N : never]?: ReferenceOf<T, M[K]>;
};

type StructOf<T, D> = D extends { struct: infer M; base: infer B }
  ? (B extends keyof T ? StructOf<T, T[B]> : unknown) & MembersOf<T, M>
  : D extends { struct: infer M }
    ? MembersOf<T, M>
    : unknown;

type BranchOf<T, B, V> = V extends keyof B ? (B[V] extends keyof T ? StructOf<T, T[B[V]]> : unknown) : unknown;

type UnionOf<T, M, K extends keyof M, B> =
  ReferenceOf<T, M[K]> extends infer V
    ? V extends string
      ? Flat<{ [N in K]: V } & MembersOf<T, Omit<M, K>> & BranchOf<T, B, V>>
      : never
    : never;

type DefinitionOf<T, D> = D extends { enum: readonly (infer V)[] }
  ? V
  : D extends { struct: unknown }
    ? Flat<StructOf<T, D>>
    : D extends { union: infer M; discriminator: infer K; branches: infer B }
      ? K extends keyof M
        ? UnionOf<T, M, K, B>
        : never
      : D extends { alternate: infer A }
        ? { [K in keyof A]: ReferenceOf<T, A[K]> }[keyof A]
        : never;

type NamedOf<T, N> = N extends keyof T ? DefinitionOf<T, T[N]> : N extends keyof Builtins ? Builtins[N] : never;

type DataOf<T, D> = D extends string ? NamedOf<T, D> : Flat<MembersOf<T, D>>;

/** The commands of a schema that carries their types. */
type MappedCommands<S> = S extends { readonly "~map"?: { readonly commands: infer C } } ? C : never;

/** The events of a schema that carries their types. */
type MappedEvents<S> = S extends { readonly "~map"?: { readonly events: infer E } } ? E : never;

/** The entry of that name. */
type Entry<T, N> = N extends keyof T ? T[N] : never;

/** The names of a schema's commands. */
export type CommandName<S extends Schema> = ("~map" extends keyof S ? keyof MappedCommands<S> : keyof S["commands"]) &
  string;

/** The names of a schema's events. */
export type EventName<S extends Schema> = ("~map" extends keyof S ? keyof MappedEvents<S> : keyof S["events"]) & string;

/** The TypeScript type of a type of the schema. */
export type SchemaTypeOf<S extends Schema, N extends keyof S["types"]> = NamedOf<S["types"], N>;

/** What a command takes; an object without members if nothing. */
export type ArgumentsOf<S extends Schema, N extends CommandName<S>> = "~map" extends keyof S
  ? Entry<MappedCommands<S>, N> extends { arguments: infer A }
    ? A
    : Record<string, never>
  : Entry<S["commands"], N> extends { data: infer D }
    ? DataOf<S["types"], D>
    : Record<string, never>;

/** What a command returns; an object without members if nothing. */
export type ResultOf<S extends Schema, N extends CommandName<S>> = "~map" extends keyof S
  ? Entry<MappedCommands<S>, N> extends { returns: infer R }
    ? R
    : Record<string, never>
  : Entry<S["commands"], N> extends { returns: infer R }
    ? ReferenceOf<S["types"], R>
    : Record<string, never>;

/** What comes with an event; an object without members if nothing. */
export type EventDataOf<S extends Schema, N extends EventName<S>> = "~map" extends keyof S
  ? Entry<MappedEvents<S>, N> extends { data: infer D }
    ? D
    : Record<string, never>
  : Entry<S["events"], N> extends { data: infer D }
    ? DataOf<S["types"], D>
    : Record<string, never>;
