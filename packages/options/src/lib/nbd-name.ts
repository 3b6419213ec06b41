import { OptionError } from "./option-error.ts";

/** Options of the `nbd` driver by their dotted keys. */
type NbdOptions = readonly (readonly [string, string])[];

/** Where NBD servers listen, if a URI does not say it. */
const DEFAULT_PORT = "10809";
const EXPORT_NAME = ":exportname=";

/**
 * The options of an NBD name: `nbd://HOST[:PORT]/EXPORT`, `nbd+unix:///EXPORT?socket=PATH`,
 * `nbd:HOST:PORT[:exportname=EXPORT]`, `nbd:unix:PATH[:exportname=EXPORT]`.
 *
 * @throws OptionError in QEMU's words
 */
export function parseNbdName(name: string): NbdOptions {
  return name.includes("://") ? parseUri(name) : parseOldName(name);
}

const URI = /^(nbd|nbd\+tcp|nbd\+unix):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?$/s;
const AUTHORITY = /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*)(?::([0-9]*))?$/;

function parseUri(name: string): NbdOptions {
  const [, scheme, authority = "", path = "", query] = URI.exec(name) ?? [];
  if (scheme === undefined) throw invalidUri();
  const exportName = decode(path.replace(/^\/+/, ""));
  const exportOption: NbdOptions = exportName === "" ? [] : [["export", exportName]];
  if (scheme === "nbd+unix") {
    const socket = /^socket=([^&;]*)$/.exec(query ?? "")?.[1];
    if (socket === undefined || authority !== "") throw invalidUri();
    return [["server.type", "unix"], ["server.path", decode(socket)], ...exportOption];
  }
  const [, host = "", port] = AUTHORITY.exec(authority) ?? [];
  if (host === "" || (query ?? "") !== "") throw invalidUri();
  return [
    ...inet(stripBrackets(decode(host)), port === undefined || port === "" ? DEFAULT_PORT : port),
    ...exportOption,
  ];
}

function parseOldName(name: string): NbdOptions {
  const at = name.indexOf(EXPORT_NAME);
  const exportName = at < 0 ? undefined : name.slice(at + EXPORT_NAME.length);
  const address = name.slice("nbd:".length, at < 0 ? undefined : at);
  if (!name.startsWith("nbd:")) throw invalid("File name string for NBD must start with 'nbd:'");
  if (exportName === "" || address === "") throw invalid("NBD server address missing");
  const exportOption: NbdOptions = exportName === undefined ? [] : [["export", exportName]];
  if (address.startsWith("unix:")) {
    return [["server.type", "unix"], ["server.path", address.slice("unix:".length)], ...exportOption];
  }
  return [...parseInet(address), ...exportOption];
}

/** `HOST:PORT`, `[V6]:PORT`, then perhaps options behind a comma, of which QEMU's `nbd:` names take the usual ones. */
function parseInet(address: string): NbdOptions {
  const plain = address.split(",", 1)[0] ?? "";
  if (address.startsWith("[")) {
    const [, host, port] = /^\[([^\]]+)\]:([^:]+)$/.exec(plain) ?? [];
    if (host === undefined || port === undefined) throw invalid(`error parsing IPv6 address '${address}'`);
    return inet(host, port);
  }
  const [, host, port] = /^([^:]*):(.+)$/s.exec(plain) ?? [];
  if (host === undefined || port === undefined) throw invalid(`error parsing address '${address}'`);
  return inet(host, port);
}

function inet(host: string, port: string): NbdOptions {
  return [
    ["server.type", "inet"],
    ["server.host", host],
    ["server.port", port],
  ];
}

function stripBrackets(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidUri();
  }
}

function invalidUri(): OptionError {
  return invalid("No valid URL specified");
}

function invalid(message: string): OptionError {
  return new OptionError(message, { code: "invalid-value", path: "file" });
}
