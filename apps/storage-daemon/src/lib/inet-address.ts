import { inetFamily } from "@rehandle/driver-nbd";
import type { InetSocketAddress } from "./option-types.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The family of addresses that may be used, 0 for any.
 *
 * @throws UsageError if both are off
 */
export function familyOf(address: InetSocketAddress): 0 | 4 | 6 {
  try {
    return inetFamily(address);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The number in the text of a port. Names of services are not looked up.
 *
 * @throws UsageError in QEMU's words
 */
export function portOf(host: string, port: string): number {
  if (isPort(port)) return Number(port);
  throw new UsageError(`address resolution failed for ${host}:${port}: Servname not supported for ai_socktype`);
}

/** True for what {@link portOf} takes. */
export function isPort(port: string): boolean {
  return /^[0-9]{1,5}$/.test(port) && Number(port) <= 65535;
}
