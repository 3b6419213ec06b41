/** A member of an object type. */
export interface Member {
  readonly name: string;
  /** The name of a type of the same schema. */
  readonly type: string;
  readonly optional: boolean;
  readonly deprecated: boolean;
}

/** A builtin type, by the JSON value that it is. */
export type JsonKind = "string" | "number" | "int" | "boolean" | "null" | "object" | "array" | "value";

/** A type as the peer tells it; names of types mean nothing but themselves. */
export type PeerType =
  | { readonly kind: "builtin"; readonly json: JsonKind }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  | { readonly kind: "array"; readonly element: string }
  | {
      readonly kind: "object";
      readonly members: readonly Member[];
      /** The member whose value decides on more members. */
      readonly tag?: string;
      /** Types with the members that each value of the tag adds. */
      readonly variants: ReadonlyMap<string, string>;
    }
  | { readonly kind: "alternate"; readonly branches: readonly string[] };

/** A command of the peer. */
export interface PeerCommand {
  readonly name: string;
  /** The type of its arguments; undefined if only the name of the command is known. */
  readonly argumentType?: string;
  readonly resultType?: string;
  readonly allowOob: boolean;
  readonly features: readonly string[];
}

/** An event that the peer may send. */
export interface PeerEventInfo {
  readonly name: string;
  readonly dataType?: string;
  readonly features: readonly string[];
}

/** What a peer can do, as far as it tells. */
export interface PeerSchema {
  readonly commands: ReadonlyMap<string, PeerCommand>;
  readonly events: ReadonlyMap<string, PeerEventInfo>;
  readonly types: ReadonlyMap<string, PeerType>;
}

/** The members of an object type together with those that its tag's value adds. */
export function membersFor(schema: PeerSchema, type: PeerType, tagValue: unknown): readonly Member[] {
  if (type.kind !== "object") return [];
  const variant = typeof tagValue === "string" ? type.variants.get(tagValue) : undefined;
  const more = variant === undefined ? undefined : schema.types.get(variant);
  return more?.kind === "object" ? [...type.members, ...more.members] : type.members;
}
