import { writeJson } from "@rehandle/json";
import type { Node } from "./node.ts";
import type { NodeOptions, SocketAddress } from "./option-types.ts";

/** What null-co has if nothing else is said, bytes. */
const NULL_SIZE = 1_073_741_824;

/**
 * The file name of a node as QEMU's `query-block` shows it: a path or an address, if that says all that its data depends on,
 * and else `json:{…}` with the options that do. Either, with its commas doubled, is a file name for `--drive file=`; only that of a
 * descriptor that was passed on, `nbd+fd:`, is for people.
 */
export function shownFileName(node: Node): string {
  return plainName(node) ?? `json:${writeJson(dataOptions(node))}`;
}

/** The name, if the node needs no more to be opened again. */
function plainName({ options, child }: Node): string | undefined {
  switch (options.driver) {
    case "file":
    case "host_device":
      return options.filename;
    case "nbd":
      return hasPlainAddress(options.server) ? nbdUri(options.server, options.export) : undefined;
    case "null-co":
      return Object.keys(dataMembers(options)).length > 0 ? undefined : "null-co://";
    case "raw":
      return child === null || Object.keys(dataMembers(options)).length > 0 ? undefined : plainName(child);
    case "rehandle":
      return child === null ? undefined : plainName(child);
    default:
      return undefined;
  }
}

function dataOptions({ options, child }: Node): object {
  const file = child === null ? {} : { file: dataOptions(child) };
  return { driver: options.driver, ...dataMembers(options), ...file };
}

/** Those options that say which data there is, as far as they are not what they are anyway. */
function dataMembers(options: NodeOptions): object {
  switch (options.driver) {
    case "file":
    case "host_device":
      return { filename: options.filename };
    case "memory":
      return { size: options.size };
    case "nbd": {
      const { server, export: name, "tls-creds": creds, "tls-hostname": hostname } = options;
      return { server, ...given({ export: name, "tls-creds": creds, "tls-hostname": hostname }) };
    }
    case "null-co": {
      const size = options.size === NULL_SIZE ? undefined : options.size;
      return given({ size, "read-zeroes": options["read-zeroes"] });
    }
    case "raw":
      return given({ offset: options.offset === 0 ? undefined : options.offset, size: options.size });
    default:
      return {};
  }
}

function given(members: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** A URI has no place for families, nor for a range of ports. */
function hasPlainAddress(server: SocketAddress): boolean {
  if (server.type !== "inet") return true;
  return server.ipv4 === undefined && server.ipv6 === undefined && server.to === undefined;
}

function nbdUri(server: SocketAddress, exportName: string | undefined): string {
  const path = exportName === undefined ? "" : `/${encodeURIComponent(exportName)}`;
  if (server.type === "unix") return `nbd+unix://${path}?socket=${server.path}`;
  if (server.type === "fd") return `nbd+fd:${server.str}`;
  return `nbd://${server.host.includes(":") ? `[${server.host}]` : server.host}:${server.port}${path}`;
}
