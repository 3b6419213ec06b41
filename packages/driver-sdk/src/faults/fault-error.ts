import { BlockError, type BlockErrorClass, type BlockErrorCode } from "../lib/block-error.ts";
import type { BlockRequest } from "../lib/block-request.ts";

/** The error of one request; the class is the code's own if it is not given. */
export function errorOf(
  { operation, offset, length }: BlockRequest,
  code: BlockErrorCode,
  errorClass: BlockErrorClass | undefined,
  what: string,
): BlockError {
  const message = `${operation} of ${length} bytes at ${offset} ${what}`;
  const fields = { code, operation, offset, length };
  return new BlockError(message, errorClass === undefined ? fields : { ...fields, errorClass });
}
