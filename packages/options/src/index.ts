export { formatCommandHelp, formatOptionHelp, type HelpOptions } from "./lib/command-help.ts";
export { completeCommandLine, completeOption, type Candidate } from "./lib/complete-option.ts";
export { parseConfigFile, readConfigFile, type ConfigReaders, type ConfigSection } from "./lib/config-file.ts";
export { convert } from "./lib/convert.ts";
export { defineOption, type Option, type OptionDefinition, type ParsedOption } from "./lib/define-option.ts";
export { DRIVE_KEYS } from "./lib/drive-keys.ts";
export { driveOptionError } from "./lib/drive-error.ts";
export { createDriveContext, type DriveContext, type DriveInterface } from "./lib/drive-place.ts";
export type { DriveThrottling } from "./lib/drive-throttling.ts";
export type { DriveCache, DriveReadAction, DriveWriteAction } from "./lib/drive-words.ts";
export { parseDrive, type Drive } from "./lib/drive.ts";
export { parseFileName, type FileName } from "./lib/file-name.ts";
export type { GivenNames } from "./lib/given-names.ts";
export { parseKeyval, type KeyvalOptions, type KeyvalResult } from "./lib/keyval.ts";
export { unflatten, type FlatOptions } from "./lib/keyval-flatten.ts";
export { mergeKeyval } from "./lib/keyval-merge.ts";
export type { KeyvalObject, KeyvalValue } from "./lib/keyval-tree.ts";
export { formatManPage, type ManPageOptions } from "./lib/man-page.ts";
export { nearestHint } from "./lib/nearest-name.ts";
export { takesArgument } from "./lib/option-description.ts";
export type {
  CommandDescription,
  CommandExample,
  ManualSection,
  OptionDescription,
  OptionSummary,
  OptsOptionDescription,
  PlainOptionDescription,
  TypedOptionDescription,
} from "./lib/option-description.ts";
export {
  formatOptionError,
  isOptionError,
  OptionError,
  type OptionErrorCode,
  type OptionErrorFields,
  type OptionErrorLocation,
} from "./lib/option-error.ts";
export { formatCommandMarkdown, formatOptionMarkdown, type MarkdownOptions } from "./lib/option-markdown.ts";
export { formatOptionRoff } from "./lib/option-roff.ts";
export { formatOptionUsage } from "./lib/option-usage.ts";
export type { Flavour } from "./lib/place.ts";
export {
  readOpts,
  type OptDescription,
  type OptDescriptions,
  type OptValues,
  type QemuOpt,
} from "./lib/opt-description.ts";
export { formatOptsHelp } from "./lib/opts-help.ts";
export { OptsList, type AddedOpts, type OptsListDefinition, type OptsSet } from "./lib/opts-list.ts";
export { joinOptionLists, parseQemuOpts, type QemuOpts, type QemuOptsOptions } from "./lib/qemu-opts.ts";
export { checkId, parseBool, parseNumber, parseSize } from "./lib/scalars.ts";
export { setOption } from "./lib/set-option.ts";
export {
  formatBashCompletion,
  formatCandidates,
  formatFishCompletion,
  formatZshCompletion,
} from "./lib/shell-completion.ts";
export { resolveMembers, structMembers, type ResolvedMember } from "./lib/type-catalog.ts";
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
