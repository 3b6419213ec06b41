import { BlockError, type BlockErrorCode } from "./block-error.ts";
import { changesData, RequestFlag, type BlockRequest } from "./block-request.ts";
import type { DriverCapabilities } from "./capabilities.ts";

/** Bytes in all parts of an iov. */
export function iovLength(iov: readonly Uint8Array[]): number {
  let sum = 0;
  // By number, because it is done for every request: an iterator costs more than the rest.
  for (let at = 0; at < iov.length; at += 1) sum += iov[at]!.length;
  return sum;
}

/**
 * What every driver checks before it touches anything: null, or the error to complete the request with.
 * Out of range, misaligned, too long, an iov that does not fit or a flag that is not declared: `EINVAL`; a write to
 * read-only storage: `EROFS`; an operation that is not declared: `ENOTSUP`.
 */
export function checkRequest(capabilities: DriverCapabilities, request: BlockRequest): BlockError | null {
  const { operation, offset, length } = request;
  if (operation === "flush") return null;
  // Both are looked at: a sum may be whole although its parts are not. NaN and Infinity are no integers.
  const whole = Number.isInteger(offset) && Number.isInteger(length);
  if (!(whole && offset >= 0 && length >= 0 && offset + length <= capabilities.size)) {
    return refuse(request, "EINVAL", "is out of range");
  }
  const mask = capabilities.requestAlignment - 1;
  if (mask > 0 && (offset % (mask + 1) !== 0 || length % (mask + 1) !== 0)) {
    return refuse(request, "EINVAL", `is not aligned to ${mask + 1} bytes`);
  }
  if (capabilities.readOnly && changesData(operation)) return refuse(request, "EROFS", "on read-only storage");
  if (operation === "read" || operation === "write") {
    if (length > capabilities.maxTransfer)
      return refuse(request, "EINVAL", `is over ${capabilities.maxTransfer} bytes`);
    if (iovLength(request.iov) !== length) return refuse(request, "EINVAL", "has buffers of another length");
  } else if (!declares(capabilities, operation)) {
    return refuse(request, "ENOTSUP", "is not supported");
  }
  if (operation === "block-status" && length === 0) return refuse(request, "EINVAL", "has no length");
  if (request.flags === 0) return null;
  if ((request.flags & RequestFlag.FUA) !== 0 && changesData(operation) && !capabilities.fua) {
    return refuse(request, "EINVAL", "asks for FUA, which is not supported");
  }
  if ((request.flags & RequestFlag.NO_FALLBACK) !== 0 && !capabilities.fastZero) {
    return refuse(request, "ENOTSUP", "asks for fast zeroes, which are not supported");
  }
  return null;
}

function declares(capabilities: DriverCapabilities, operation: "discard" | "write-zeroes" | "block-status"): boolean {
  if (operation === "discard") return capabilities.discard;
  return operation === "write-zeroes" ? capabilities.writeZeroes : capabilities.blockStatus;
}

function refuse(request: BlockRequest, code: BlockErrorCode, why: string): BlockError {
  const { operation, offset, length } = request;
  return new BlockError(`${operation} of ${length} bytes at ${offset} ${why}`, { code, operation, offset, length });
}
