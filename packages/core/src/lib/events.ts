import type { BlockErrorClass, BlockErrorCode, BlockOperation } from "@rehandle/driver-sdk";

import type { ErrorAction } from "./policy.ts";

/** What a backend tells whoever asked with `subscribe`. */
export type BackendEvent =
  /** An I/O hang began or ended: RFC patch 7, `BLOCK_IO_HANG`. Begin and end alternate and carry the same outage id. */
  | {
      readonly type: "hang";
      readonly set: boolean;
      readonly outage: number;
      /** When the outage began, ms since 1970. */
      readonly since: number;
    }
  /** The hang reached `iohangTimeout`, or that is over: RFC patch 7, `BLOCK_IO_HANG_TIMEOUT`. */
  | { readonly type: "hang-timeout"; readonly set: boolean; readonly outage: number; readonly since: number }
  /** A request failed for good, and this was done about it: QEMU's `BLOCK_IO_ERROR`. */
  | {
      readonly type: "io-error";
      readonly operation: BlockOperation;
      readonly offset: number;
      readonly length: number;
      readonly action: Exclude<ErrorAction, "enospc">;
      readonly nospace: boolean;
      readonly code: BlockErrorCode;
      readonly errorClass: BlockErrorClass;
      readonly reason: string;
    }
  /** The driver lost its way to the storage, or has it back. */
  | { readonly type: "connection"; readonly connected: boolean; readonly reason: string }
  /** Storage answers, but it is not the storage that was opened: it is not touched. */
  | { readonly type: "refused"; readonly code: BlockErrorCode; readonly reason: string }
  /** Acknowledged writes that a restarted backend may have lost were written again. */
  | { readonly type: "replayed"; readonly count: number; readonly bytes: number }
  /** Acknowledged writes could not be written again yet; nothing goes through before they are. */
  | { readonly type: "replay-failed"; readonly code: BlockErrorCode; readonly reason: string }
  /** More is held than `maxHeldRequests` or `maxHeldBytes`: stop submitting, nothing is dropped. Or: go on. */
  | { readonly type: "congestion"; readonly congested: boolean }
  /** The size changed, bytes. */
  | { readonly type: "resized"; readonly size: number };
