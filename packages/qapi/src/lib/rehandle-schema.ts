import type { EventDataOf, SchemaTypeOf } from "./schema-types.ts";

/**
 * What a Rehandle monitor speaks: the part of QEMU 7.2's schema that is carried, by its own names and members, and the
 * commands of I/O hang, which QEMU does not have. A reader of the RFC's schema (September 2020) finds the RFC's events in
 * it: whatever was added to them is optional.
 */
export const rehandleSchema = {
  types: {
    QMPCapability: { enum: ["oob"] },
    VersionTriple: { struct: { major: "int", minor: "int", micro: "int" } },
    VersionInfo: { struct: { qemu: "VersionTriple", package: "str" } },
    CommandInfo: { struct: { name: "str" } },

    IoOperationType: { enum: ["read", "write"] },
    BlockErrorAction: { enum: ["ignore", "report", "stop"] },
    BlockDeviceIoStatus: { enum: ["ok", "failed", "nospace"] },
    BlockdevDetectZeroesOptions: { enum: ["off", "on", "unmap"] },
    ShutdownCause: {
      enum: [
        "none",
        "host-error",
        "host-qmp-quit",
        "host-qmp-system-reset",
        "host-signal",
        "host-ui",
        "guest-shutdown",
        "guest-reset",
        "guest-panic",
        "subsystem-reset",
        "snapshot-load",
      ],
    },

    BlockdevCacheInfo: { struct: { writeback: "bool", direct: "bool", "no-flush": "bool" } },
    ImageInfo: {
      struct: { filename: "str", format: "str", "*actual-size": "int", "virtual-size": "int" },
    },
    BlockDeviceInfo: {
      struct: {
        file: "str",
        "*node-name": "str",
        ro: "bool",
        drv: "str",
        backing_file_depth: "int",
        encrypted: "bool",
        detect_zeroes: "BlockdevDetectZeroesOptions",
        bps: "int",
        bps_rd: "int",
        bps_wr: "int",
        iops: "int",
        iops_rd: "int",
        iops_wr: "int",
        image: "ImageInfo",
        cache: "BlockdevCacheInfo",
        write_threshold: "int",
      },
    },
    BlockInfo: {
      struct: {
        device: "str",
        "*qdev": "str",
        type: "str",
        removable: "bool",
        locked: "bool",
        "*inserted": "BlockDeviceInfo",
        "*io-status": "BlockDeviceIoStatus",
      },
    },
    BlockExportType: { enum: ["nbd", "vhost-user-blk", "fuse", "vduse-blk"] },
    BlockExportInfo: {
      struct: { id: "str", type: "BlockExportType", "node-name": "str", "shutting-down": "bool" },
    },

    RehandleStatus: { enum: ["normal", "hang"] },
    RehandleDrainMode: { enum: ["wait", "fail"] },
    RehandleOutage: {
      struct: { id: "str", since: "uint64", "timed-out": "bool", "*reason": "str" },
    },
    RehandleInfo: {
      struct: {
        device: "str",
        "*node-name": "str",
        enabled: "bool",
        paused: "bool",
        status: "RehandleStatus",
        "iohang-timeout": "uint64",
        held: "uint64",
        "held-bytes": "uint64",
        "*oldest-held": "uint64",
        "*outage": "RehandleOutage",
      },
    },
    RehandleDrainResult: {
      struct: { completed: "uint64", failed: "uint64", "*held": "uint64", "*quiescent": "bool" },
    },
  },

  commands: {
    qmp_capabilities: { data: { "*enable": ["QMPCapability"] } },
    "query-version": { returns: "VersionInfo" },
    "query-commands": { returns: ["CommandInfo"] },
    quit: {},

    "query-block": { returns: ["BlockInfo"] },
    "query-named-block-nodes": { data: { "*flat": "bool" }, returns: ["BlockDeviceInfo"] },
    "query-block-exports": { returns: ["BlockExportInfo"] },

    "query-rehandle": { data: { "*node-name": "str" }, returns: ["RehandleInfo"] },
    "rehandle-pause": { data: { "node-name": "str" } },
    "rehandle-resume": { data: { "node-name": "str" } },
    "rehandle-retry-now": { data: { "node-name": "str" }, "allow-oob": true },
    "rehandle-drain": {
      data: { "node-name": "str", "*held": "RehandleDrainMode" },
      returns: "RehandleDrainResult",
    },
  },

  events: {
    BLOCK_IO_HANG: {
      data: {
        set: "bool",
        "*device": "str",
        "*node-name": "str",
        "*outage": "str",
        "*since": "uint64",
        "*held": "uint64",
        "*reason": "str",
      },
    },
    BLOCK_IO_HANG_TIMEOUT: {
      data: {
        set: "bool",
        "*device": "str",
        "*node-name": "str",
        "*outage": "str",
        "*since": "uint64",
        "*held": "uint64",
        "*reason": "str",
      },
    },
    BLOCK_IO_ERROR: {
      data: {
        device: "str",
        "*node-name": "str",
        operation: "IoOperationType",
        action: "BlockErrorAction",
        "*nospace": "bool",
        reason: "str",
      },
    },
    BLOCK_EXPORT_DELETED: { data: { id: "str" } },
    SHUTDOWN: { data: { guest: "bool", reason: "ShutdownCause" } },
  },
} as const;

/** The type of {@link rehandleSchema}, for `QmpClient` and `QmpServer`. */
export type RehandleSchema = typeof rehandleSchema;

/**
 * Data of `BLOCK_IO_HANG`: an I/O hang began (`set` true) or ended (false). Besides the RFC's `set` it says of which
 * `device` and `node-name`; the `outage`'s id, the same in all events of one outage; `since` when, in ms since 1970; how
 * many requests are `held`; and the `reason` in words.
 */
export type BlockIoHang = EventDataOf<RehandleSchema, "BLOCK_IO_HANG">;

/** Data of `BLOCK_IO_HANG_TIMEOUT`: the hang outlasted its timeout (`set` true), or is over after that (false). */
export type BlockIoHangTimeout = EventDataOf<RehandleSchema, "BLOCK_IO_HANG_TIMEOUT">;

/**
 * Data of `BLOCK_IO_ERROR`, as QEMU has it: an I/O failed and this `action` was taken. `device` is `""` for a node without
 * a drive; `nospace` is there only where the io-status is kept.
 */
export type BlockIoError = EventDataOf<RehandleSchema, "BLOCK_IO_ERROR">;

/** Data of `BLOCK_EXPORT_DELETED`: the export of this `id` is gone. */
export type BlockExportDeleted = EventDataOf<RehandleSchema, "BLOCK_EXPORT_DELETED">;

/** Data of `SHUTDOWN`: the program is about to end, and why. */
export type Shutdown = EventDataOf<RehandleSchema, "SHUTDOWN">;

/** One entry of `query-block`. */
export type BlockInfo = SchemaTypeOf<RehandleSchema, "BlockInfo">;

/** What `query-block` and `query-named-block-nodes` say of a node. A node without throttling has 0 in all `bps` and `iops`. */
export type BlockDeviceInfo = SchemaTypeOf<RehandleSchema, "BlockDeviceInfo">;

/** One entry of `query-block-exports`. */
export type BlockExportInfo = SchemaTypeOf<RehandleSchema, "BlockExportInfo">;

/**
 * One entry of `query-rehandle`. `iohang-timeout` in seconds, 0 is off; `held` requests of `held-bytes` bytes, the oldest
 * of them `oldest-held` ms old; `outage` only while there is one.
 */
export type RehandleInfo = SchemaTypeOf<RehandleSchema, "RehandleInfo">;

/** The outage of {@link RehandleInfo}: its id, `since` when (ms since 1970), whether it outlasted its timeout. */
export type RehandleOutage = SchemaTypeOf<RehandleSchema, "RehandleOutage">;

/**
 * What `rehandle-drain` came to: requests that `completed` and that `failed` meanwhile, those that stay `held`, and whether
 * nothing was with the driver any more (`quiescent`) before its deadline.
 */
export type RehandleDrainResult = SchemaTypeOf<RehandleSchema, "RehandleDrainResult">;

/** What `rehandle-drain` does with requests that are held: `wait` until they complete, or `fail` them at once. */
export type RehandleDrainMode = SchemaTypeOf<RehandleSchema, "RehandleDrainMode">;
