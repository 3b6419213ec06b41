import type { BlockError } from "./block-error.ts";

/** What a request asks of the storage. The words are QEMU's and NBD's. */
export type BlockOperation = "read" | "write" | "flush" | "discard" | "write-zeroes" | "block-status";

/**
 * Bits of {@link BlockRequest.flags}. A driver refuses a flag that its capabilities do not declare with `EINVAL`,
 * but for `MAY_UNMAP`, which is a permission and may be ignored.
 */
export const RequestFlag = {
  /** write, discard, write-zeroes: the data must be stable before completion (NBD_CMD_FLAG_FUA). */
  FUA: 1,
  /** write-zeroes: the range may be deallocated as long as it reads as zeroes (QEMU's BDRV_REQ_MAY_UNMAP). */
  MAY_UNMAP: 2,
  /** write-zeroes: fail with `ENOTSUP` at once instead of writing zeroes the slow way (NBD_CMD_FLAG_FAST_ZERO). */
  NO_FALLBACK: 4,
  /** block-status: exactly one extent, which must not reach beyond the request (NBD_CMD_FLAG_REQ_ONE). */
  REQ_ONE: 8,
} as const;

/** One run of blocks with the same allocation status, as NBD's `base:allocation` tells it. */
export interface BlockExtent {
  /** Bytes, > 0. */
  length: number;
  /** Nothing is allocated here (NBD_STATE_HOLE). */
  hole: boolean;
  /** The range reads as zeroes (NBD_STATE_ZERO). */
  zero: boolean;
}

/**
 * One request on its way to a driver.
 *
 * The submitter owns the object and may use it again once it completed; from `submit` to completion the driver owns it,
 * and nobody else writes to it. Objects are made to be pooled: see `decisions/0002-completion-callbacks.md`.
 */
export interface BlockRequest {
  operation: BlockOperation;
  /** Byte offset, a safe integer ≥ 0. 0 for flush. */
  offset: number;
  /** Bytes, a safe integer ≥ 0. 0 for flush. */
  length: number;
  /** Bits of {@link RequestFlag}. */
  flags: number;
  /**
   * read: filled by the driver; write: the payload. The lengths of the parts sum up to `length`. Empty for every other
   * operation. QEMU calls it `qiov`.
   */
  iov: Uint8Array[];
  /** block-status: the driver appends the extents from `offset` on, at least one. The submitter empties it beforehand. */
  extents: BlockExtent[];
  /**
   * Called by the driver exactly once for each submit, with `null` for success. It may be called from within `submit`.
   * Completion means that the attempt can no longer land: after it the driver touches neither storage nor buffers for it.
   * It must be cheap to share: one function for many requests, told apart by the argument.
   */
  complete: (request: BlockRequest, error: BlockError | null) => void;
  /** The submitter's own; the driver leaves it alone. */
  owner: unknown;
  /** The driver's own while it has the request; meaningless afterwards. */
  driverState: unknown;
}

/** Thrown-away default for {@link BlockRequest.complete}: a request without a submitter is a defect, so it throws. */
function noSubmitter(): never {
  throw new Error("BlockRequest.complete was never set");
}

/** A fresh request with the fields that were given; everything else has its neutral value. */
export function createRequest(fields: Partial<BlockRequest> = {}): BlockRequest {
  return {
    operation: "read",
    offset: 0,
    length: 0,
    flags: 0,
    iov: [],
    extents: [],
    complete: noSubmitter,
    owner: null,
    driverState: null,
    ...fields,
  };
}

/** True for operations that change what a later read sees. */
export function changesData(operation: BlockOperation): boolean {
  return operation === "write" || operation === "write-zeroes" || operation === "discard";
}
