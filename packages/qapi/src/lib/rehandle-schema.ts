import type { RehandleSchema } from "./generated/schema.ts";
import type { EventDataOf } from "./schema-types.ts";

/** Data of `BLOCK_IO_HANG_TIMEOUT`, the same as that of `BLOCK_IO_HANG`. */
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
