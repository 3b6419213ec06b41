import type { BlockErrorCode } from "@rehandle/driver-sdk";
import {
  NBD_OPT_GO,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STARTTLS,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_ERR_BLOCK_SIZE_REQD,
  NBD_REP_ERR_EXT_HEADER_REQD,
  NBD_REP_ERR_INVALID,
  NBD_REP_ERR_PLATFORM,
  NBD_REP_ERR_POLICY,
  NBD_REP_ERR_SHUTDOWN,
  NBD_REP_ERR_TLS_REQD,
  NBD_REP_ERR_TOO_BIG,
  NBD_REP_ERR_UNKNOWN,
  NBD_REP_ERR_UNSUP,
} from "@rehandle/nbd/protocol";

/** Names of the options that a client sends, for errors. */
export const OPTION_NAMES: ReadonlyMap<number, string> = new Map([
  [NBD_OPT_STARTTLS, "NBD_OPT_STARTTLS"],
  [NBD_OPT_GO, "NBD_OPT_GO"],
  [NBD_OPT_STRUCTURED_REPLY, "NBD_OPT_STRUCTURED_REPLY"],
  [NBD_OPT_SET_META_CONTEXT, "NBD_OPT_SET_META_CONTEXT"],
]);

/** Errors that a server answers to an option, and the errno names that come closest. */
export const OPTION_ERRORS: ReadonlyMap<number, { name: string; code: BlockErrorCode }> = new Map([
  [NBD_REP_ERR_UNSUP, { name: "NBD_REP_ERR_UNSUP", code: "ENOTSUP" }],
  [NBD_REP_ERR_POLICY, { name: "NBD_REP_ERR_POLICY", code: "EPERM" }],
  [NBD_REP_ERR_INVALID, { name: "NBD_REP_ERR_INVALID", code: "EINVAL" }],
  [NBD_REP_ERR_PLATFORM, { name: "NBD_REP_ERR_PLATFORM", code: "ENOTSUP" }],
  [NBD_REP_ERR_TLS_REQD, { name: "NBD_REP_ERR_TLS_REQD", code: "EACCES" }],
  [NBD_REP_ERR_UNKNOWN, { name: "NBD_REP_ERR_UNKNOWN", code: "ENOENT" }],
  [NBD_REP_ERR_SHUTDOWN, { name: "NBD_REP_ERR_SHUTDOWN", code: "ESHUTDOWN" }],
  [NBD_REP_ERR_BLOCK_SIZE_REQD, { name: "NBD_REP_ERR_BLOCK_SIZE_REQD", code: "EINVAL" }],
  [NBD_REP_ERR_TOO_BIG, { name: "NBD_REP_ERR_TOO_BIG", code: "EINVAL" }],
  [NBD_REP_ERR_EXT_HEADER_REQD, { name: "NBD_REP_ERR_EXT_HEADER_REQD", code: "ENOTSUP" }],
]);
