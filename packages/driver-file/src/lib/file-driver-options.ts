import { BlockError } from "@rehandle/driver-sdk";

import type { FileSystem } from "./file-system.ts";
import type { SystemCalls } from "./system-calls.ts";

/**
 * Options of {@link createFileDriver}. Where QEMU's `file` and `host_device` drivers have the option, it has QEMU's name
 * and meaning (`filename`, `cache.direct`, `discard`, `read-only`, `auto-read-only`).
 */
export interface FileDriverOptions {
  /**
   * Path of a regular file or of a block device. Anything else (a directory, a FIFO, a socket, a character device) is
   * refused by `open` with `EINVAL`. The file is not created.
   */
  readonly filename: string;
  /** Open for reading only; whatever changes data fails with `EROFS`. Default false. */
  readonly readOnly?: boolean;
  /**
   * Open for reading only if opening for writing fails with `EACCES`, `EPERM` or `EROFS`. Default false: `open` then fails.
   */
  readonly autoReadOnly?: boolean;
  /**
   * Go around the page cache with O_DIRECT. Requests must then be aligned to the device's logical block size, every transfer
   * is copied through aligned memory (up to `queueDepth` × 256 KiB), and nothing is ever served from memory. `open` fails
   * with `EINVAL` where the file system cannot do it or the size is not a multiple of the alignment, and with `ENOTSUP` on
   * systems without O_DIRECT. Default false.
   */
  readonly cacheDirect?: boolean;
  /**
   * `unmap`: discards, and zero writes that may unmap, free blocks by punching holes, if the system can; look at
   * `capabilities.discard`. `ignore`: nothing is ever freed, and discard is not declared. Default `ignore`, as in QEMU.
   */
  readonly discard?: "unmap" | "ignore";
  /**
   * Serve reads of up to 256 KiB from the page cache on the event loop, without a trip through the thread pool, when the
   * page cache holds all of it: 2 to 5 µs per 4 KiB instead of 9 to 35 µs. It needs Linux 6.5, `koffi`, and a file system that can
   * (ext4, XFS, Btrfs, block devices; not tmpfs, NFS, FUSE); elsewhere it changes nothing. What is not cached costs 0.5 µs
   * more. Not with `cacheDirect`. Default true.
   */
  readonly cachedReads?: boolean;
  /**
   * Do writes of up to 256 KiB to the page cache on the event loop, when the file system can say beforehand that none of
   * it has to wait: 2 to 3 µs per 4 KiB instead of 6 to 20 µs. It needs Linux 6.0, `koffi`, and XFS; elsewhere it
   * changes nothing. Btrfs takes such writes as well, but was only seen to answer that they would wait. What would have to
   * wait goes through the thread pool, as ever. Not with `cacheDirect`, nor for writes with FUA. Default true.
   */
  readonly cachedWrites?: boolean;
  /**
   * Requests of up to so many bytes go through buffers of the driver, so that `abandon` can take their own buffers back
   * from the thread pool. It costs `queueDepth` × this much memory and a copy: with many requests under way about a tenth
   * of the time of a 4 KiB request, a third at 16 KiB, half at 64 KiB. Bytes, 0 … 1048576; 0: nothing is copied,
   * `capabilities.zeroCopy` is true, and nothing that the system has can be abandoned. With `cacheDirect` everything is
   * copied anyway and this does not apply. Default 16384.
   */
  readonly copyLimit?: number;
  /**
   * Requests handed to the system at once, 1 … 1024. More wait inside the driver, where they can still be taken back.
   * Only as many as Node's thread pool has threads (`UV_THREADPOOL_SIZE`, 4) make progress at the same time. Default 64.
   */
  readonly queueDepth?: number;
  /**
   * How long `close` waits for requests that the system has not answered, milliseconds, ≥ 0. Default 5000.
   */
  readonly closeTimeout?: number;
  /** The file system functions, for tests. Default: Node's. */
  readonly fileSystem?: FileSystem;
  /** The system calls that Node lacks, for tests; null: do without. Default: {@link loadSystemCalls}. */
  readonly systemCalls?: SystemCalls | null;
}

/** Bytes of each aligned buffer with O_DIRECT; longer requests are moved in so many pieces. */
export const DIRECT_BUFFER = 262_144;

/** The longest read or write that is tried on the event loop, bytes: some 20 µs of copying. `nbdcopy` asks for so much. */
export const CACHED_LIMIT = 262_144;

/** {@link FileDriverOptions} with nothing left out but the test doubles. */
export type ResolvedOptions = Required<Omit<FileDriverOptions, "fileSystem" | "systemCalls">>;

/**
 * Fills in the defaults.
 * @throws BlockError `EINVAL` for a value out of range.
 */
export function resolveOptions(options: FileDriverOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    filename: options.filename,
    readOnly: options.readOnly ?? false,
    autoReadOnly: options.autoReadOnly ?? false,
    cacheDirect: options.cacheDirect ?? false,
    discard: options.discard ?? "ignore",
    cachedReads: options.cachedReads ?? true,
    cachedWrites: options.cachedWrites ?? true,
    copyLimit: options.copyLimit ?? 16_384,
    queueDepth: options.queueDepth ?? 64,
    closeTimeout: options.closeTimeout ?? 5000,
  };
  if (resolved.filename === "") throw invalid("The 'file' block driver requires a file name");
  if (resolved.filename.includes("\0")) throw invalid("A file name must not contain a null byte");
  if (resolved.discard !== "unmap" && resolved.discard !== "ignore") throw invalid("Invalid discard option");
  requireInteger("copyLimit", resolved.copyLimit, 0, 1_048_576);
  requireInteger("queueDepth", resolved.queueDepth, 1, 1024);
  requireInteger("closeTimeout", resolved.closeTimeout, 0, Number.MAX_SAFE_INTEGER);
  return resolved;
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(`${name} must be an integer from ${least} to ${most}, not ${value}`);
}

function invalid(message: string): BlockError {
  return new BlockError(message, { code: "EINVAL", operation: "open" });
}
