import { lookup, V4MAPPED } from "node:dns";
import { isIPv4, isIPv6, type TcpSocketConnectOpts } from "node:net";

/** A host, and which of its addresses may be used: `host`, `ipv4` and `ipv6` of QEMU's InetSocketAddress. */
export interface InetFamilies {
  /** Name or address; "" stands for all addresses of this machine, to those who listen. */
  readonly host: string;
  /** Default: what `ipv6` leaves. */
  readonly ipv4?: boolean | undefined;
  /** Default: what `ipv4` leaves. */
  readonly ipv6?: boolean | undefined;
}

/**
 * The family of addresses that may be used, 0 for any: the rules of `inet_ai_family_from_address` in QEMU's
 * util/qemu-sockets.c.
 *
 * @throws TypeError if both are off, in QEMU's words
 */
export function inetFamily({ host, ipv4, ipv6 }: InetFamilies): 0 | 4 | 6 {
  if (ipv4 === false && ipv6 === false) throw new TypeError("Cannot disable IPv4 and IPv6 at same time");
  // One socket for "::" takes both.
  if (ipv4 === true && ipv6 === true) return host === "" ? 6 : 0;
  if (ipv6 === true || ipv4 === false) return 6;
  if (ipv4 === true || ipv6 === false) return 4;
  return 0;
}

/**
 * What `connect` of node:net takes for a host of which only some addresses may be used. An IPv4 address is reached over IPv6
 * as `::ffff:…`, as in QEMU.
 *
 * @throws TypeError as {@link inetFamily} does; Error `EAI_ADDRFAMILY` if the host is an address of the wrong family
 */
export function tcpConnectOptions(address: InetFamilies & { readonly port: number }): TcpSocketConnectOpts {
  const { host, port } = address;
  const family = inetFamily(address);
  if (family === 6 && isIPv4(host)) return { host: `::ffff:${host}`, port };
  if (family === 4 && isIPv6(host)) throw wrongFamily(host);
  if (family === 0) return { host, port };
  // Given the family alone, Node would try but one of the host's addresses. QEMU also has ADDRCONFIG, with which a machine that has
  // no address but its own loopback finds nothing.
  const hints = V4MAPPED;
  return { host, port, lookup: (name, options, done) => lookup(name, { ...options, family, hints }, done) };
}

/** As the resolver says it; Node does not ask it about addresses. */
export function wrongFamily(hostname: string): Error {
  const code = "EAI_ADDRFAMILY";
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: "getaddrinfo", hostname });
}
