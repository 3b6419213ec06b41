import { BlockError } from "@rehandle/driver-sdk";
import { NBD_DEFAULT_PORT } from "./constants.ts";

/** Where an NBD export is. */
export interface NbdAddress {
  /** Name of the export; empty for the default one. */
  exportName: string;
  /** `nbds://` and `nbds+unix://`: TLS is required. */
  tls: boolean;
  /** The user part of the URI, which a TLS server may ask for. */
  username?: string;
  /** Where to connect to. */
  server: { type: "unix"; path: string } | { type: "inet"; host: string; port: number };
}

// The generic syntax of RFC 3986, appendix B, without the fragment.
const URI = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/i;
const AUTHORITY = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:[\]]*)(?::([0-9]*))?$/;

/**
 * Reads an NBD URI: `nbd://[user@]host[:port]/export`, `nbd+unix:///export?socket=PATH`, and `nbds://`, `nbds+unix://`
 * with TLS. Source: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md.
 *
 * Query parameters other than `socket` are ignored, as the document asks. The port is 10809 if none is given; a host that
 * is empty is `localhost`.
 * @throws BlockError `EINVAL` that says what is wrong.
 */
export function parseNbdUri(uri: string): NbdAddress {
  const match = URI.exec(uri);
  if (match === null) throw invalid(uri, "is not a URI");
  const [, scheme = "", authority = "", path = "", query = ""] = match;
  const exportName = decodePart(uri, path.replace(/^\//, ""), "export name");
  const socket = findSocket(uri, query);
  const { user, host, port } = splitAuthority(uri, authority);
  const common = { exportName, ...(user === undefined ? {} : { username: decodePart(uri, user, "user name") }) };
  switch (scheme.toLowerCase()) {
    case "nbd":
    case "nbds":
      if (socket !== null) throw invalid(uri, "has a socket parameter, which only nbd+unix and nbds+unix take");
      return { ...common, tls: scheme.length === 4, server: { type: "inet", host, port } };
    case "nbd+unix":
    case "nbds+unix":
      if (authority.replace(/^[^@]*@/, "") !== "") throw invalid(uri, "has a host, but connects to a unix socket");
      if (socket === null || socket === "") throw invalid(uri, "has no socket parameter");
      return { ...common, tls: scheme.length === 9, server: { type: "unix", path: socket } };
    default:
      throw invalid(uri, `has the scheme ${scheme}, which is none of nbd, nbds, nbd+unix and nbds+unix`);
  }
}

function splitAuthority(uri: string, authority: string): { user: string | undefined; host: string; port: number } {
  const match = AUTHORITY.exec(authority);
  if (match === null) throw invalid(uri, `has the malformed host and port "${authority}"`);
  const [, user, hostPart = "", portPart = ""] = match;
  const port = portPart === "" ? NBD_DEFAULT_PORT : Number(portPart);
  if (port < 1 || port > 65535) throw invalid(uri, `has the port ${portPart}, which is not from 1 to 65535`);
  const host = decodePart(uri, hostPart.replace(/^\[|\]$/g, ""), "host");
  return { user, host: host === "" ? "localhost" : host, port };
}

function findSocket(uri: string, query: string): string | null {
  for (const parameter of query.split(/[&;]/)) {
    const equals = parameter.indexOf("=");
    if (equals >= 0 && parameter.slice(0, equals).toLowerCase() === "socket") {
      return decodePart(uri, parameter.slice(equals + 1), "socket");
    }
  }
  return null;
}

function decodePart(uri: string, part: string, what: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw invalid(uri, `has a malformed percent-encoding in its ${what}`);
  }
  if (text.includes("\0")) throw invalid(uri, `has a NUL character in its ${what}`);
  return text;
}

/** A URI that was built from an address; `parseNbdUri` gives the address back. */
export function formatNbdUri(address: NbdAddress): string {
  const { server, exportName, tls, username } = address;
  const scheme = tls ? "nbds" : "nbd";
  const user = username === undefined ? "" : `${encodeURIComponent(username)}@`;
  const path = `/${exportName.split("/").map(encodeURIComponent).join("/")}`;
  if (server.type === "unix") {
    const socket = server.path.split("/").map(encodeURIComponent).join("/");
    return `${scheme}+unix://${user}${path}?socket=${socket}`;
  }
  const host = server.host.includes(":") ? `[${server.host}]` : encodeURIComponent(server.host);
  return `${scheme}://${user}${host}:${server.port}${path}`;
}

function invalid(uri: string, why: string): BlockError {
  return new BlockError(`NBD URI "${uri}" ${why}`, { code: "EINVAL" });
}
