export { checkArguments, readEventData, readResult } from "./lib/check-arguments.ts";
export { checkValue, readValue } from "./lib/check-value.ts";
export type { AbortSignalLike } from "./lib/abort-signal.ts";
export type { QmpBackoffOptions } from "./lib/backoff.ts";
export type { QmpClientOptions } from "./lib/caller.ts";
export type { QmpCaller, QmpEvents, QmpEventsOptions, QmpExecuteOptions } from "./lib/qmp-caller.ts";
export { createQmpClient, type QmpClient } from "./lib/qmp-client.ts";
export type { QmpClientTransport } from "./lib/qmp-connection.ts";
export type { QmpEvent, QmpEventOf, QmpTimestamp } from "./lib/qmp-event.ts";
export type { QmpGreeting } from "./lib/qmp-greeting.ts";
export { connectQmp, type QmpLink, type QmpLinkOptions, type QmpLinkStatus } from "./lib/qmp-link.ts";
export { openQmpClient, serveQmp, type QmpReadable, type QmpStream, type QmpWritable } from "./lib/qmp-stream.ts";
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
export type { QmpEventLimit } from "./lib/event-limiter.ts";
export type { QmpTimer, QmpTimers } from "./lib/qmp-timers.ts";
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
  BlockDirtyBitmap,
  BlockDirtyBitmapOrStr,
  BlockErrorAction,
  BlockExportInfo,
  BlockExportOptions,
  type BlockExportOptionsBase,
  BlockExportOptionsNbd,
  BlockExportOptionsNbdBase,
  BlockExportOptionsVhostUserBlk,
  BlockExportRemoveMode,
  BlockExportType,
  BlockInfo,
  BlockIoHang,
  BlockdevAioOptions,
  BlockdevCacheInfo,
  BlockdevCacheOptions,
  BlockdevDetectZeroesOptions,
  BlockdevDiscardOptions,
  BlockdevDriver,
  BlockdevOptions,
  type BlockdevOptionsBase,
  BlockdevOptionsFile,
  BlockdevOptionsMemory,
  BlockdevOptionsNbd,
  BlockdevOptionsNull,
  BlockdevOptionsRaw,
  BlockdevOptionsRehandle,
  BlockdevRef,
  CommandInfo,
  FdSocketAddress,
  FdSocketAddressWrapper,
  ImageInfo,
  InetSocketAddress,
  InetSocketAddressWrapper,
  IoOperationType,
  JSONType,
  MonitorMode,
  MonitorOptions,
  NbdServerAddOptions,
  NbdServerOptions,
  ObjectOptions,
  type ObjectOptionsBase,
  ObjectType,
  OnOffAuto,
  QCryptoSecretFormat,
  QCryptoTLSCredsEndpoint,
  QMPCapability,
  RehandleDrainMode,
  RehandleDrainResult,
  RehandleForever,
  RehandleInfo,
  RehandleLimit,
  RehandleOutage,
  RehandleReadAction,
  RehandleStatus,
  RehandleWriteAction,
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
  SecretProperties,
  ShutdownCause,
  SocketAddress,
  type SocketAddressBase,
  SocketAddressLegacy,
  type SocketAddressLegacyBase,
  SocketAddressType,
  TlsCredsX509Properties,
  UnixSocketAddress,
  UnixSocketAddressWrapper,
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
