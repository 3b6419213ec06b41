import type { Definition, QapiSchema } from "../schema-language/schema-definition.ts";
import { normalizePath, type SourceFile } from "../schema-language/source-place.ts";

/** Types that another module has already. */
export interface TypeImport {
  /** A schema file that the schema includes, by its path as from where the schema's own is. It stands for what it includes, too. */
  readonly file: string;
  /** What the generated code imports that file's types from. */
  readonly module: string;
}

/** Which module a definition comes from, if it is not this schema's own. */
export class ImportedTypes {
  readonly #modules = new Map<string, string>();

  /** @throws Error if the schema does not include one of the files */
  constructor(schema: QapiSchema, imports: readonly TypeImport[]) {
    const [, ...included] = schema.files.map(normalizePath);
    for (const { file, module } of imports) {
      const path = normalizePath(file);
      if (!included.includes(path)) throw new Error(`the schema does not include '${file}'`);
      this.#modules.set(path, module);
    }
  }

  /** All of them, once each. */
  get modules(): readonly string[] {
    return [...new Set(this.#modules.values())];
  }

  /** The module that has a definition's type; the file that is next on the way to the definition counts. */
  moduleOf({ place }: Definition): string | undefined {
    if (this.#modules.size === 0) return undefined;
    for (let at: SourceFile | undefined = place.file; at !== undefined; at = at.includedFrom?.file) {
      const module = this.#modules.get(normalizePath(at.name));
      if (module !== undefined) return module;
    }
    return undefined;
  }
}
