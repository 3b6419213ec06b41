import { BlockError, type BlockErrorCode, type BlockErrorFields, type BlockRequest } from "@rehandle/driver-sdk";

/** An error of a request that the driver itself found. */
export function requestFailure(request: BlockRequest, code: BlockErrorCode, message: string): BlockError {
  const { operation, offset, length } = request;
  return new BlockError(message, { code, operation, offset, length });
}

/** An error of what is not a request. */
export function driverFailure(
  operation: NonNullable<BlockErrorFields["operation"]>,
  code: BlockErrorCode,
  message: string,
): BlockError {
  return new BlockError(message, { code, operation });
}
