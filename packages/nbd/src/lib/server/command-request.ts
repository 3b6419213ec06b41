import { RequestFlag, type BlockOperation, type DriverCapabilities } from "@rehandle/driver-sdk";
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_FLAG_FAST_ZERO,
  NBD_CMD_FLAG_FUA,
  NBD_CMD_FLAG_NO_HOLE,
  NBD_CMD_FLAG_REQ_ONE,
  NBD_CMD_FLUSH,
  NBD_CMD_READ,
  NBD_CMD_TRIM,
  NBD_CMD_WRITE,
  NBD_CMD_WRITE_ZEROES,
} from "../protocol/constants.ts";
import type { RequestHeader } from "../protocol/request.ts";
import { NO_IOV, type RequestSlot } from "./request-slot.ts";

/** Makes the driver's request out of a client's, which was checked; a request's data is put into its iov later. */
export function fillRequest(slot: RequestSlot, header: RequestHeader, capabilities: DriverCapabilities): void {
  const { type, flags } = header;
  const { request } = slot;
  slot.cookieHigh = header.cookieHigh;
  slot.cookieLow = header.cookieLow;
  slot.type = type;
  slot.flags = flags;
  request.operation = operationOf(type);
  request.offset = header.offset;
  request.length = header.length;
  request.flags = operationFlags(type, flags);
  request.iov = type === NBD_CMD_READ || type === NBD_CMD_WRITE ? slot.dataIov : NO_IOV;
  if (type === NBD_CMD_BLOCK_STATUS) request.extents = [];
  const fua = (flags & NBD_CMD_FLAG_FUA) !== 0 && changes(type);
  if (fua && capabilities.fua) request.flags |= RequestFlag.FUA;
  slot.flushAfter = fua && !capabilities.fua;
}

/** Makes the slot's request, whose write succeeded, into the flush that its FUA still needs. */
export function fillFlush(slot: RequestSlot): void {
  const { request } = slot;
  slot.flushAfter = false;
  request.operation = "flush";
  request.offset = 0;
  request.length = 0;
  request.flags = 0;
  request.iov = NO_IOV;
}

function operationOf(type: number): BlockOperation {
  switch (type) {
    case NBD_CMD_READ:
      return "read";
    case NBD_CMD_WRITE:
      return "write";
    case NBD_CMD_FLUSH:
      return "flush";
    case NBD_CMD_TRIM:
      return "discard";
    case NBD_CMD_WRITE_ZEROES:
      return "write-zeroes";
    case NBD_CMD_BLOCK_STATUS:
      return "block-status";
    default:
      throw new RangeError(`NBD command ${type} has no request`);
  }
}

function operationFlags(type: number, flags: number): number {
  if (type === NBD_CMD_BLOCK_STATUS) return (flags & NBD_CMD_FLAG_REQ_ONE) !== 0 ? RequestFlag.REQ_ONE : 0;
  if (type !== NBD_CMD_WRITE_ZEROES) return 0;
  const unmap = (flags & NBD_CMD_FLAG_NO_HOLE) === 0 ? RequestFlag.MAY_UNMAP : 0;
  return (flags & NBD_CMD_FLAG_FAST_ZERO) !== 0 ? unmap | RequestFlag.NO_FALLBACK : unmap;
}

function changes(type: number): boolean {
  return type === NBD_CMD_WRITE || type === NBD_CMD_WRITE_ZEROES || type === NBD_CMD_TRIM;
}
