/** A member of an object, as introspection tells of it. */
export interface SchemaInfoMember {
  readonly name: string;
  readonly type: string;
  /** There if the member may be left out. */
  readonly default?: null;
  readonly features?: readonly string[];
}

/** An entry of `query-qmp-schema`; which members it has depends on its `meta-type`, as in QEMU. */
export interface SchemaInfo {
  readonly name: string;
  readonly "meta-type": "builtin" | "enum" | "array" | "object" | "alternate" | "command" | "event";
  readonly features?: readonly string[];
  /** Of a builtin. */
  readonly "json-type"?: string;
  /** Of an enum. */
  readonly values?: readonly string[];
  /** Of an array. */
  readonly "element-type"?: string;
  /** Of an enum its values, of an object its members, of an alternate its types. */
  readonly members?: readonly (SchemaInfoMember | { readonly name: string } | { readonly type: string })[];
  /** Of an object with variants. */
  readonly tag?: string;
  readonly variants?: readonly { readonly case: string; readonly type: string }[];
  /** Of a command or an event. */
  readonly "arg-type"?: string;
  /** Of a command. */
  readonly "ret-type"?: string;
  readonly "allow-oob"?: true;
}
