import type { Definition, QapiSchema, TypeName } from "../schema-language/schema-definition.ts";
import { namesUsed } from "../schema-language/select-defined.ts";
import { ImportedTypes, type TypeImport } from "./imported-types.ts";

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
  /** Those of other modules, with the module's name before theirs. */
  readonly #imported = new Map<string, string>();
  readonly #aliases = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** The definitions that are written: the schema's, and `QType` if it is used. */
  readonly definitions: readonly Definition[];

  /** @throws Error if the schema does not include what is imported */
  constructor(schema: QapiSchema, imports: readonly TypeImport[] = []) {
    const imported = new ImportedTypes(schema, imports);
    for (const module of imported.modules) this.#aliases.set(module, this.claim("imported"));
    const qtype = schema.types.get("QType");
    const isUsed = schema.definitions.some((definition) => namesUsed(definition).includes("QType"));
    this.definitions = qtype !== undefined && isUsed ? [qtype, ...schema.definitions] : schema.definitions;
    for (const definition of this.definitions) {
      const { kind, name } = definition;
      if (kind === "command" || kind === "event") continue;
      const alias = this.#aliases.get(imported.moduleOf(definition) ?? "");
      if (alias === undefined) this.#names.set(name, this.claim(name));
      else this.#imported.set(name, `${alias}.${name.replaceAll(/\W/g, "_")}`);
    }
  }

  /** The lines that import what a text uses of other modules. */
  importsOf(text: string): string {
    return [...this.#aliases]
      .filter(([, alias]) => new RegExp(`\\b${alias}\\.\\w`).test(text))
      .map(([module, alias]) => `import * as ${alias} from ${JSON.stringify(module)};\n`)
      .join("");
  }

  /** True if another module has the type. */
  isImported(name: string): boolean {
    return this.#imported.has(name);
  }

  /** A name that nothing else has: the wanted one if it is free. */
  claim(wanted: string): string {
    const plain = wanted.replaceAll(/\W/g, "_");
    let name = plain;
    for (let number = 2; this.#taken.has(name); number++) name = `${plain}${number}`;
    this.#taken.add(name);
    return name;
  }

  /** The name of a type that the schema defines, `prefix` before it if it is written here; undefined of a builtin. */
  own(name: string, prefix = ""): string | undefined {
    const own = this.#names.get(name);
    return own === undefined ? this.#imported.get(name) : prefix + own;
  }

  /** A type as TypeScript; `prefix` stands before the names of types, such as `types.`. */
  typeText({ name, isArray }: TypeName, prefix = ""): string {
    const text = this.own(name, prefix) ?? BUILTINS.get(name) ?? "unknown";
    if (!isArray) return text;
    return text.includes(" ") ? `(${text})[]` : `${text}[]`;
  }

  /** A type as the descriptions that the checks read: a builtin's name or the constant. */
  referenceText({ name, isArray }: TypeName, prefix = ""): string {
    const text = this.own(name, prefix) ?? JSON.stringify(name);
    return isArray ? `[${text}]` : text;
  }
}
