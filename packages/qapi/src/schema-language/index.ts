export {
  generateTypeScript,
  type GeneratedFile,
  type GenerateOptions,
} from "../lib/schema-generator/generate-typescript.ts";
export type { TypeImport } from "../lib/schema-generator/imported-types.ts";
export { runGenerator, type GeneratorHost } from "../lib/schema-generator/generator-command.ts";
export type { DocComment, DocSection } from "../lib/schema-language/doc-comment.ts";
export { introspectSchema, type IntrospectOptions } from "../lib/schema-language/introspect-schema.ts";
export { readQapiSchema } from "../lib/schema-language/read-schema.ts";
export type { Condition } from "../lib/schema-language/schema-condition.ts";
export type {
  AlternateDefinition,
  Branch,
  CommandDefinition,
  Definition,
  DefinitionBase,
  EnumDefinition,
  EnumValue,
  EventDefinition,
  Feature,
  QapiSchema,
  SchemaMember,
  StructDefinition,
  TypeDefinition,
  TypeName,
  UnionDefinition,
} from "../lib/schema-language/schema-definition.ts";
export { isQapiSchemaError, QapiSchemaError } from "../lib/schema-language/schema-error.ts";
export type { ReadSchemaFile } from "../lib/schema-language/schema-files.ts";
export { selectDefined } from "../lib/schema-language/select-defined.ts";
export type { SourceFile, SourcePlace } from "../lib/schema-language/source-place.ts";
