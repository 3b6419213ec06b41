import type { BlockErrorCode } from "@rehandle/driver-sdk";
import {
  NBD_EINVAL,
  NBD_EIO,
  NBD_ENOMEM,
  NBD_ENOSPC,
  NBD_ENOTSUP,
  NBD_EOVERFLOW,
  NBD_EPERM,
  NBD_ESHUTDOWN,
} from "./constants.ts";

/** Which wire error each errno name becomes; every other one becomes NBD_EIO. */
const WIRE_OF_CODE: ReadonlyMap<string, number> = new Map([
  ["EPERM", NBD_EPERM],
  ["EROFS", NBD_EPERM],
  ["EIO", NBD_EIO],
  ["ENOMEM", NBD_ENOMEM],
  ["EINVAL", NBD_EINVAL],
  ["ENOSPC", NBD_ENOSPC],
  ["EDQUOT", NBD_ENOSPC],
  ["EFBIG", NBD_ENOSPC],
  ["EOVERFLOW", NBD_EOVERFLOW],
  ["ENOTSUP", NBD_ENOTSUP],
  ["EOPNOTSUPP", NBD_ENOTSUP],
  ["ESHUTDOWN", NBD_ESHUTDOWN],
]);

const CODE_OF_WIRE: ReadonlyMap<number, BlockErrorCode> = new Map<number, BlockErrorCode>([
  [NBD_EPERM, "EPERM"],
  [NBD_EIO, "EIO"],
  [NBD_ENOMEM, "ENOMEM"],
  [NBD_EINVAL, "EINVAL"],
  [NBD_ENOSPC, "ENOSPC"],
  [NBD_EOVERFLOW, "EOVERFLOW"],
  [NBD_ENOTSUP, "ENOTSUP"],
  [NBD_ESHUTDOWN, "ESHUTDOWN"],
]);

/** The error on the wire for an errno name; what the protocol does not know becomes NBD_EIO. */
export function wireError(code: BlockErrorCode): number {
  return WIRE_OF_CODE.get(code) ?? NBD_EIO;
}

/** The errno name of an error on the wire; as the protocol demands, an unknown one is `EINVAL`. 0 is not an error. */
export function errorCode(wire: number): BlockErrorCode {
  return CODE_OF_WIRE.get(wire) ?? "EINVAL";
}
