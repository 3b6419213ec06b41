import { getSystemErrorMap } from "node:util";

import { BlockError, isBlockError, toBlockError, type BlockErrorCode } from "@rehandle/driver-sdk";

/** What strerror(3) says where libuv's words differ by more than the first letter. */
const STRERROR: ReadonlyMap<string, string> = new Map([
  ["EISDIR", "Is a directory"],
  ["EBUSY", "Device or resource busy"],
  ["ELOOP", "Too many levels of symbolic links"],
  ["ENAMETOOLONG", "File name too long"],
  ["ENOMEM", "Cannot allocate memory"],
  ["ENOTSUP", "Operation not supported"],
  ["ENXIO", "No such device or address"],
  ["EROFS", "Read-only file system"],
  ["ETXTBSY", "Text file busy"],
  ["EIO", "Input/output error"],
  ["ESTALE", "Stale file handle"],
  ["EMFILE", "Too many open files"],
  ["ENFILE", "Too many open files in system"],
  ["ENODEV", "No such device"],
  ["EOVERFLOW", "Value too large for defined data type"],
]);

/** The words of an errno name, as the C library has them. */
function wordsOf(code: string): string | undefined {
  const known = STRERROR.get(code);
  if (known !== undefined) return known;
  for (const [name, words] of getSystemErrorMap().values()) {
    if (name === code) return words.charAt(0).toUpperCase() + words.slice(1);
  }
  return undefined;
}

/**
 * The error of a failed `open`, in QEMU's words: `Could not open 'F': No such file or directory`. A BlockError has its words
 * already.
 */
export function openError(filename: string, thrown: unknown): BlockError {
  if (isBlockError(thrown)) return thrown;
  const { code, message, cause } = toBlockError(thrown, { operation: "open" });
  return refuseToOpen(`Could not open '${filename}': ${wordsOf(code) ?? message}`, code, cause ?? thrown);
}

/** An error of `open` that is no system error. */
export function refuseToOpen(message: string, code: BlockErrorCode, cause?: unknown): BlockError {
  return new BlockError(message, { code, operation: "open", ...(cause === undefined ? {} : { cause }) });
}
