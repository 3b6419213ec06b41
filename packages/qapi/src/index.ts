export { checkArguments, readEventData, readResult } from "./lib/check-arguments.ts";
export { checkValue, readValue } from "./lib/check-value.ts";
export {
  createQmpClient,
  type QmpClient,
  type QmpClientTransport,
  type QmpEvent,
  type QmpEventOf,
  type QmpGreeting,
} from "./lib/qmp-client.ts";
export { isQmpError, QmpError, type QapiErrorClass, type QmpErrorClass } from "./lib/qmp-error.ts";
export {
  createQmpServer,
  type BuiltinCommand,
  type QmpClock,
  type QmpHandlers,
  type QmpServer,
  type QmpServerOptions,
  type QmpSession,
  type QmpVersion,
} from "./lib/qmp-server.ts";
export type { QmpTransport } from "./lib/qmp-transport.ts";
export { rehandleIntrospection } from "./lib/generated/introspection.ts";
export {
  rehandleSchema,
  type RehandleCommands,
  type RehandleEvents,
  type RehandleSchema,
} from "./lib/generated/schema.ts";
export {
  BlockDeviceInfo,
  BlockDeviceIoStatus,
  BlockErrorAction,
  BlockExportInfo,
  BlockExportType,
  BlockInfo,
  BlockIoHang,
  BlockdevCacheInfo,
  BlockdevDetectZeroesOptions,
  CommandInfo,
  ImageInfo,
  IoOperationType,
  JSONType,
  QMPCapability,
  RehandleDrainMode,
  RehandleDrainResult,
  RehandleInfo,
  RehandleOutage,
  RehandleStatus,
  SchemaInfo,
  SchemaInfoAlternate,
  SchemaInfoAlternateMember,
  SchemaInfoArray,
  type SchemaInfoBase,
  SchemaInfoBuiltin,
  SchemaInfoCommand,
  SchemaInfoEnum,
  SchemaInfoEnumMember,
  SchemaInfoEvent,
  SchemaInfoObject,
  SchemaInfoObjectMember,
  SchemaInfoObjectVariant,
  SchemaMetaType,
  ShutdownCause,
  VersionInfo,
  VersionTriple,
} from "./lib/generated/types.ts";
export type { BlockExportDeleted, BlockIoError, BlockIoHangTimeout, Shutdown } from "./lib/rehandle-schema.ts";
export type {
  AlternateType,
  CommandType,
  EnumType,
  EventType,
  Lazy,
  Members,
  Schema,
  SchemaType,
  StructType,
  StructTypeOf,
  TypedSchema,
  TypeOf,
  TypeReference,
  UnionType,
} from "./lib/schema.ts";
export type { ArgumentsOf, CommandName, EventDataOf, EventName, ResultOf, SchemaTypeOf } from "./lib/schema-types.ts";
