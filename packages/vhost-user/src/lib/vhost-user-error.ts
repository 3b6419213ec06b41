/**
 * What went wrong, as a stable word: an errno name for what the system or the peer did (`EPROTO`: the peer broke the
 * protocol), or
 * - `NOT_LINUX`: the operating system or processor is not one that vhost-user works on,
 * - `KOFFI_MISSING`: the npm package koffi, through which system calls are made, cannot be loaded.
 */
export type VhostUserErrorCode =
  | "NOT_LINUX"
  | "KOFFI_MISSING"
  | "EPROTO"
  | "EINVAL"
  | "EAGAIN"
  | "EADDRINUSE"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ENAMETOOLONG"
  | "ENOENT"
  | "EFAULT"
  | "ENOTSUP"
  | (string & {});

/** The one error type of this package. Match `error.code`, never `instanceof`: a program may hold two copies of this package. */
export class VhostUserError extends Error {
  override readonly name: string = "VhostUserError";
  readonly code: VhostUserErrorCode;

  constructor(message: string, code: VhostUserErrorCode, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** An error that says that the peer broke the protocol: the connection cannot go on. */
export function protocolError(message: string): VhostUserError {
  return new VhostUserError(message, "EPROTO");
}
