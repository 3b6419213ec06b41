import type { BlockError, BlockExtent, BlockOperation, BlockRequest } from "@rehandle/driver-sdk";

import type { RangeItem } from "./range-item.ts";

/** Whoever sent an attempt. */
export interface AttemptOwner {
  /** The attempt took longer than the request timeout. It is still with the driver. */
  onOverdue(attempt: Attempt): void;
}

/** One try of the driver at something; this is the object that the driver sees. */
export class Attempt implements BlockRequest {
  operation: BlockOperation = "read";
  offset = 0;
  length = 0;
  flags = 0;
  iov: Uint8Array[] = [];
  extents: BlockExtent[] = [];
  complete: (request: BlockRequest, error: BlockError | null) => void;
  /** Null once it was abandoned, so that its end concerns nobody but the fence. */
  owner: AttemptOwner | null = null;
  driverState: unknown = null;
  /** The backend's generation when it was submitted. */
  generation = 0;
  /** The driver's connection when it was submitted: how often it had come back. */
  connection = 0;
  /** Position in the replay log at submission: a flush covers what came before. */
  logPosition = 0;
  /** Guards the range after the attempt was abandoned, until it is over. */
  fence: RangeItem | null = null;

  /** Belongs to the list of what is in flight. */
  tick = 0;
  listed = false;
  prev: Attempt | null = null;
  next: Attempt | null = null;

  constructor(complete: (request: BlockRequest, error: BlockError | null) => void) {
    this.complete = complete;
  }
}
