export { convert } from "./lib/convert.ts";
export { defineOption, type Option, type OptionDefinition, type ParsedOption } from "./lib/define-option.ts";
export { parseKeyval, type KeyvalOptions, type KeyvalResult } from "./lib/keyval.ts";
export type { KeyvalObject, KeyvalValue } from "./lib/keyval-tree.ts";
export {
  formatOptionError,
  isOptionError,
  OptionError,
  type OptionErrorCode,
  type OptionErrorFields,
} from "./lib/option-error.ts";
export type { Flavour } from "./lib/place.ts";
export { checkId, parseBool, parseNumber, parseSize } from "./lib/scalars.ts";
export type {
  AlternateDescription,
  BuiltinType,
  EnumDescription,
  MemberDescription,
  Members,
  StructDescription,
  TypeCatalog,
  TypeDescription,
  TypeReference,
  UnionDescription,
} from "./lib/type-catalog.ts";
export type { TypeName, TypeOf } from "./lib/type-of.ts";
