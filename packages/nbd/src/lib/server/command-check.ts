import type { DriverCapabilities } from "@rehandle/driver-sdk";
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_CACHE,
  NBD_CMD_FLAG_DF,
  NBD_CMD_FLAG_FAST_ZERO,
  NBD_CMD_FLAG_FUA,
  NBD_CMD_FLAG_NO_HOLE,
  NBD_CMD_FLAG_REQ_ONE,
  NBD_CMD_FLUSH,
  NBD_CMD_READ,
  NBD_CMD_TRIM,
  NBD_CMD_WRITE,
  NBD_CMD_WRITE_ZEROES,
  NBD_EINVAL,
  NBD_ENOSPC,
  NBD_EPERM,
  NBD_FLAG_READ_ONLY,
  NBD_FLAG_SEND_DF,
  NBD_FLAG_SEND_FAST_ZERO,
  NBD_FLAG_SEND_TRIM,
  NBD_FLAG_SEND_WRITE_ZEROES,
  NBD_SUCCESS,
} from "../protocol/constants.ts";
import type { RequestHeader } from "../protocol/request.ts";
import { exportSize } from "./nbd-export.ts";

/** What was agreed with one client for the transmission phase. */
export interface TransmissionTerms {
  /** NBD_FLAG_* that the client was told. */
  readonly flags: number;
  /** The longest read or write, bytes. */
  readonly maxPayload: number;
  /** Structured replies were negotiated. */
  readonly structuredReplies: boolean;
  /** The id of `base:allocation` on this connection, or null if it was not selected for this export. */
  readonly allocationContextId: number | null;
}

/**
 * Judges a request before anything is touched: NBD_SUCCESS, or the error to answer with. Order: what the export can do
 * at all, then the command flags, then the range, then the alignment.
 */
export function checkCommand(
  header: RequestHeader,
  terms: TransmissionTerms,
  capabilities: DriverCapabilities,
): number {
  const { type, flags, offset, length } = header;
  if ((flags & ~allowedFlags(type, terms)) !== 0) return NBD_EINVAL;
  switch (type) {
    case NBD_CMD_READ:
      if (length > terms.maxPayload) return NBD_EINVAL;
      return checkRange(offset, length, capabilities, NBD_EINVAL);
    case NBD_CMD_WRITE:
      if ((terms.flags & NBD_FLAG_READ_ONLY) !== 0) return NBD_EPERM;
      if (length > terms.maxPayload) return NBD_EINVAL;
      return checkRange(offset, length, capabilities, NBD_ENOSPC);
    case NBD_CMD_FLUSH:
      return offset === 0 && length === 0 ? NBD_SUCCESS : NBD_EINVAL;
    case NBD_CMD_TRIM:
      if ((terms.flags & NBD_FLAG_READ_ONLY) !== 0) return NBD_EPERM;
      if ((terms.flags & NBD_FLAG_SEND_TRIM) === 0) return NBD_EINVAL;
      return checkRange(offset, length, capabilities, NBD_EINVAL);
    case NBD_CMD_WRITE_ZEROES:
      if ((terms.flags & NBD_FLAG_READ_ONLY) !== 0) return NBD_EPERM;
      if ((terms.flags & NBD_FLAG_SEND_WRITE_ZEROES) === 0) return NBD_EINVAL;
      return checkRange(offset, length, capabilities, NBD_ENOSPC);
    case NBD_CMD_CACHE:
      return checkRange(offset, length, capabilities, NBD_EINVAL);
    case NBD_CMD_BLOCK_STATUS:
      if (terms.allocationContextId === null || length === 0) return NBD_EINVAL;
      return checkRange(offset, length, capabilities, NBD_EINVAL);
    default:
      return NBD_EINVAL;
  }
}

/** The command flags that a command may have here. FUA may stand on any, and means something on those that change data. */
function allowedFlags(type: number, terms: TransmissionTerms): number {
  if (type === NBD_CMD_READ && (terms.flags & NBD_FLAG_SEND_DF) !== 0) return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_DF;
  if (type === NBD_CMD_BLOCK_STATUS) return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_REQ_ONE;
  if (type !== NBD_CMD_WRITE_ZEROES) return NBD_CMD_FLAG_FUA;
  const fastZero = (terms.flags & NBD_FLAG_SEND_FAST_ZERO) !== 0 ? NBD_CMD_FLAG_FAST_ZERO : 0;
  return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE | fastZero;
}

function checkRange(offset: number, length: number, capabilities: DriverCapabilities, pastEnd: number): number {
  const size = exportSize(capabilities);
  if (offset > size || length > size - offset) return pastEnd;
  const alignment = capabilities.requestAlignment;
  return alignment > 1 && (offset % alignment !== 0 || length % alignment !== 0) ? NBD_EINVAL : NBD_SUCCESS;
}
