import { UsageError } from "./usage-error.ts";

/** Where a peer's monitor is. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "exec"; readonly command: string };

const LARGEST_PORT = 65535;

/**
 * The address that a word means: `unix:PATH`, `tcp:HOST:PORT`; without such a prefix `HOST:PORT` (`[::1]:4444`) is TCP
 * and everything else a path.
 *
 * @throws UsageError if it is empty, or says `tcp:` and has no host and port
 */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) return unixAddress(text.slice(5));
  if (text.startsWith("tcp:")) {
    const address = tcpAddress(text.slice(4));
    if (address === undefined) throw new UsageError(`'${text}' has no HOST:PORT`);
    return address;
  }
  return (text.includes("/") ? undefined : tcpAddress(text)) ?? unixAddress(text);
}

/** The address for people. */
export function addressText(address: Address): string {
  if (address.kind === "unix") return address.path;
  if (address.kind === "exec") return address.command;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function unixAddress(path: string): Address {
  if (path === "") throw new UsageError("the address is empty");
  return { kind: "unix", path };
}

function tcpAddress(text: string): Address | undefined {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > LARGEST_PORT) return undefined;
  const host = bracketed ?? plain ?? "";
  return { kind: "tcp", host: host === "" ? "localhost" : host, port };
}
