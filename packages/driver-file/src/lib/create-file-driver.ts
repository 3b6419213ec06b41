import type { BlockDriver } from "@rehandle/driver-sdk";

import { FileDriver } from "./file-driver.ts";
import { resolveOptions, type FileDriverOptions } from "./file-driver-options.ts";
import { nodeFileSystem } from "./file-system.ts";
import { loadSystemCalls } from "./system-calls.ts";

/**
 * A driver for a regular file or a block device, like QEMU's `file` and `host_device`.
 *
 * - Reads and writes run on Node's thread pool, straight from and to the parts of `iov` or, if small, through buffers of the
 *   driver; what the page cache holds is read at once where the system can. Short transfers are finished. A read beyond the
 *   end of a file that became shorter fails with `EIO`.
 * - flush is fdatasync(2), and FUA is a flush after the write. After a failed flush through the page cache every later one
 *   fails with `EIO`, class `permanent`: Linux has dropped the data, and would say success. Open the file anew.
 * - discard, fast zeroes and block-status need Linux and the optional package `koffi`. Without it zeroes are written, and
 *   the others are not declared.
 * - The size is read when the file is opened, and changes only by `resize`. Block devices cannot be resized.
 * - `close` cancels what waits, and waits for what the system was handed up to `closeTimeout`. A system call that is stuck
 *   for longer cannot be taken back: its request completes when the system answers, and only then is the file closed.
 * - The file is not locked (QEMU does, with OFD locks): do not let two programs write to it.
 *
 * @throws BlockError `EINVAL` for an option that is out of range.
 */
export function createFileDriver(options: FileDriverOptions): BlockDriver {
  const { fileSystem = nodeFileSystem, systemCalls } = options;
  const load = systemCalls === undefined ? loadSystemCalls : () => Promise.resolve(systemCalls);
  return new FileDriver(resolveOptions(options), fileSystem, load);
}
