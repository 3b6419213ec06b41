import type { Definition, QapiSchema, TypeName } from "../schema-language/schema-definition.ts";
import { namesUsed } from "../schema-language/select-defined.ts";

/** What TypeScript calls the builtin types. Integers beyond 2^53 come as bigint. */
const BUILTINS: ReadonlyMap<string, string> = new Map([
  ["str", "string"],
  ["bool", "boolean"],
  ["null", "null"],
  ["any", "unknown"],
  ...["number", "int8", "int16", "int32", "uint8", "uint16", "uint32"].map((name) => [name, "number"] as const),
  ...["int", "int64", "uint64", "size"].map((name) => [name, "number | bigint"] as const),
]);

/** What a schema's types are called in TypeScript. */
export class TypeNames {
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** The definitions that are written: the schema's, and `QType` if it is used. */
  readonly definitions: readonly Definition[];

  constructor(schema: QapiSchema) {
    const qtype = schema.types.get("QType");
    const isUsed = schema.definitions.some((definition) => namesUsed(definition).includes("QType"));
    this.definitions = qtype !== undefined && isUsed ? [qtype, ...schema.definitions] : schema.definitions;
    for (const { kind, name } of this.definitions) {
      if (kind !== "command" && kind !== "event") this.#names.set(name, this.claim(name));
    }
  }

  /** A name that nothing else has: the wanted one if it is free. */
  claim(wanted: string): string {
    const plain = wanted.replaceAll(/\W/g, "_");
    let name = plain;
    for (let number = 2; this.#taken.has(name); number++) name = `${plain}${number}`;
    this.#taken.add(name);
    return name;
  }

  /** The name of a type that the schema defines; undefined of a builtin. */
  own(name: string): string | undefined {
    return this.#names.get(name);
  }

  /** A type as TypeScript; `prefix` stands before the names of types, such as `types.`. */
  typeText({ name, isArray }: TypeName, prefix = ""): string {
    const own = this.#names.get(name);
    const text = own === undefined ? (BUILTINS.get(name) ?? "unknown") : prefix + own;
    if (!isArray) return text;
    return text.includes(" ") ? `(${text})[]` : `${text}[]`;
  }

  /** A type as the descriptions that the checks read: a builtin's name or the constant. */
  referenceText({ name, isArray }: TypeName, prefix = ""): string {
    const own = this.#names.get(name);
    const text = own === undefined ? JSON.stringify(name) : prefix + own;
    return isArray ? `[${text}]` : text;
  }
}
