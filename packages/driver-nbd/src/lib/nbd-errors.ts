import { BlockError, classOfCode, toBlockError, type BlockErrorCode, type BlockRequest } from "@rehandle/driver-sdk";
import { errorCode } from "@rehandle/nbd/protocol";

/** An error that the server answered. Its class is that of its errno; ESHUTDOWN is `transport`: ask the next instance. */
export function answeredError(request: BlockRequest, wire: number, message: string, at?: number): BlockError {
  const { operation, offset, length } = request;
  const code = errorCode(wire);
  const number = code === "EINVAL" && wire !== 22 ? ` (error ${wire})` : "";
  const where = at === undefined ? "" : `, at ${at}`;
  const why = message === "" ? "" : `: ${message}`;
  return new BlockError(
    `the server answered ${code}${number} to a ${operation} of ${length} bytes at ${offset}${where}${why}`,
    {
      code,
      operation,
      offset,
      length,
    },
  );
}

/** The way to the server is lost: `cause` keeps its code, and the class is `transport` whatever the code. */
export function lostError(message: string, cause: unknown, fallback: BlockErrorCode = "ECONNRESET"): BlockError {
  const named = cause === null ? "EIO" : toBlockError(cause).code;
  // EIO is what an error without an errno name becomes.
  const code = named === "EIO" ? fallback : named;
  return new BlockError(message, { code, errorClass: "transport", ...(cause === null ? {} : { cause }) });
}

/** The same for one request. */
export function requestLost(request: BlockRequest, loss: BlockError): BlockError {
  const { operation, offset, length } = request;
  return new BlockError(`${operation} of ${length} bytes at ${offset}: ${loss.message}`, {
    code: loss.code,
    errorClass: "transport",
    operation,
    offset,
    length,
    cause: loss,
  });
}

/** A request that was given up before anything of it was sent, or because the driver is closed. */
export function requestCancelled(request: BlockRequest, why: string, code: BlockErrorCode = "ECANCELED"): BlockError {
  const { operation, offset, length } = request;
  return new BlockError(`${operation} of ${length} bytes at ${offset}: ${why}`, {
    code,
    errorClass: classOfCode(code),
    operation,
    offset,
    length,
  });
}
