import { BlockError } from "@rehandle/driver-sdk";

import type { Outage } from "./hang-status.ts";
import type { RequestEntry } from "./request-entry.ts";

/** The error of a request that was held and is not any longer: EIO, with what went wrong behind it. */
export function gaveUp(entry: RequestEntry, why: string): BlockError {
  const { operation, offset, length } = entry.request!;
  const last = entry.lastError;
  const message = last === null ? why : `${why}; last error: ${last.message}`;
  const errorClass = last?.errorClass ?? "transport";
  return new BlockError(message, { code: "EIO", errorClass, operation, offset, length, cause: last ?? undefined });
}

/** The error of a request that could not be held while the way to the storage is lost. */
export function unreachable(entry: RequestEntry, outage: Outage | null): BlockError {
  return gaveUp(
    entry,
    outage === null ? "the storage cannot be reached" : "the storage cannot be reached, and the I/O hang timed out",
  );
}

/** The error of a request that a backend answered which may have restarted since, if it cannot be sent again. */
export function mayBeLost(entry: RequestEntry): BlockError {
  const { operation, offset, length } = entry.request!;
  const message = "the storage may have restarted, and lost what it answered";
  return new BlockError(message, { code: "ESTALE", operation, offset, length });
}

/** The error of a request that came after `close`. */
export function backendClosed(): BlockError {
  return new BlockError("the backend is closed", { code: "EBADF" });
}
