import { loadSystemCalls } from "../system-calls.ts";
import { VhostUserFrontEnd } from "./front-end.ts";
import { resolveOptions, type VhostUserFrontEndOptions } from "./front-end-options.ts";

/**
 * Connects to a vhost-user-blk back end as a virtual machine monitor does: shares memory with it, negotiates features and
 * reads its configuration space. `start` has it work on the vrings.
 * @throws RangeError if an option is wrong; VhostUserError (as all rejections) `NOT_LINUX` or `KOFFI_MISSING` where
 * vhost-user cannot work, `ENOENT` or `ECONNREFUSED` if nobody listens, `EPROTO` if the back end breaks the protocol,
 * `ENOTSUP` if it does not offer what is required.
 */
export async function connectVhostUser(options: VhostUserFrontEndOptions): Promise<VhostUserFrontEnd> {
  const settings = resolveOptions(options);
  return VhostUserFrontEnd.open(await loadSystemCalls(), settings);
}
