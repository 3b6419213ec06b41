import { wrongFamily } from "@rehandle/driver-nbd";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { errnoOf } from "./errno-words.ts";
import { familyOf, isPort, portOf } from "./inet-address.ts";
import type { InetSocketAddress } from "./option-types.ts";
import { resolutionFailure, tcpListenFailure } from "./socket-path.ts";
import { UsageError } from "./usage-error.ts";

/** One socket to listen on. */
export interface TcpEndpoint {
  /** An address, never a name. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** True if `::` does not take IPv4. */
  readonly ipv6Only: boolean;
}

/**
 * Listens on every address that the host has and that the families leave, as QEMU does, each on the first free port from `port`
 * to `to`. It is enough if one of them can be had. `keep-alive` means nothing here, nor does it to QEMU's daemon.
 *
 * @param bind listens on one address; rejects with the system's errno
 * @returns what `bind` resolved with, never nothing
 * @throws UsageError (as a rejection) in QEMU's words; nothing is bound then
 */
export async function listenInet<T>(
  address: InetSocketAddress,
  bind: (endpoint: TcpEndpoint) => Promise<T>,
): Promise<T[]> {
  const family = familyOf(address);
  const port = portToBind(address);
  const range = { port, last: address.to ?? port };
  // Both families on one socket, unless one was asked for.
  const isDual = address.ipv4 === address.ipv6;
  const bound: T[] = [];
  let failure: unknown = null;
  for (const host of await addressesOf(address, family)) {
    try {
      bound.push(await bindInRange(host, range, isDual, bind));
    } catch (error) {
      failure ??= error;
    }
  }
  if (bound.length === 0) throw failure;
  return bound;
}

/** No port is any port, as long as there is a host. */
function portToBind({ host, port, numeric }: InetSocketAddress): number {
  const isMissing = port === "";
  if (isMissing ? host === "" : numeric === true && !isPort(port)) {
    throw resolutionFailure(`${host}:${port}`, "ENOTFOUND");
  }
  return isMissing ? 0 : portOf(host, port);
}

async function addressesOf({ host, port, numeric }: InetSocketAddress, family: 0 | 4 | 6): Promise<string[]> {
  if (host === "") return family === 4 ? ["0.0.0.0"] : family === 6 ? ["::"] : ["0.0.0.0", "::"];
  try {
    const given = isIP(host);
    if (given !== 0 && family !== 0 && given !== family) throw wrongFamily(host);
    if (given !== 0) return [host];
    // Short forms such as 127.1 are names here.
    if (numeric === true) throw resolutionFailure(`${host}:${port}`, "ENOTFOUND");
    return (await lookup(host, { all: true, family, verbatim: true })).map(({ address }) => address);
  } catch (error) {
    throw error instanceof UsageError ? error : resolutionFailure(`${host}:${port}`, errnoOf(error));
  }
}

async function bindInRange<T>(
  host: string,
  { port, last }: { port: number; last: number },
  isDual: boolean,
  bind: (endpoint: TcpEndpoint) => Promise<T>,
): Promise<T> {
  // IPv6 alone may be free where both are not.
  const ways = isDual && isIP(host) === 6 ? [false, true] : [true];
  for (let at = port; at <= last; at += 1) {
    for (const ipv6Only of ways) {
      try {
        return await bind({ host, port: at, ipv6Only });
      } catch (error) {
        if (errnoOf(error) !== "EADDRINUSE") throw tcpListenFailure(errnoOf(error));
      }
    }
  }
  if (port > last) throw new UsageError("Failed to create a socket");
  throw tcpListenFailure("EADDRINUSE");
}
