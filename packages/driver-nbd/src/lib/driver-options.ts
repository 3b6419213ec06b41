import { createBackoff, type BackoffOptions } from "./backoff.ts";
import { inetFamily } from "./inet-family.ts";
import type { TlsCredentials } from "./tls-credentials.ts";

/** Where the server listens; QEMU's SocketAddress, `server.type=inet` or `server.type=unix`. */
export type NbdServerAddress =
  | {
      readonly type: "inet";
      /** Name or address. */
      readonly host: string;
      /** 1 … 65535. NBD's own is 10809. */
      readonly port: number;
      /** Whether the host's IPv4 addresses may be used. Default: not if only `ipv6` is true. */
      readonly ipv4?: boolean;
      /** Whether its IPv6 addresses may be used. Default: not if only `ipv4` is true. */
      readonly ipv6?: boolean;
      /** Whether the kernel asks an idle server if it still lives (`keep-alive`). Default true; QEMU's is false. */
      readonly keepAlive?: boolean;
    }
  | {
      readonly type: "unix";
      /** Path of the socket. */
      readonly path: string;
    };

/** A run of bytes on the export. */
export interface ByteRange {
  /** Bytes, a safe integer ≥ 0. */
  readonly offset: number;
  /** Bytes, 1 … 65536. */
  readonly length: number;
}

/** Options of `createNbdDriver`. Where QEMU's nbd driver has the same option, it is named in brackets. */
export interface NbdDriverOptions {
  /** The server (`server.*`). */
  readonly server: NbdServerAddress;
  /** Name of the export (`export`), up to 4096 bytes of UTF-8. Default "", the server's default export. */
  readonly export?: string;
  /** Credentials; with them the driver insists on TLS (`tls-creds`). Default: no TLS. */
  readonly tlsCreds?: TlsCredentials;
  /** The name that the server's certificate must carry (`tls-hostname`). Default: the host; a unix socket has none, and then only the chain is verified. */
  readonly tlsHostname?: string;
  /**
   * Seconds, 0 … 4294967295 (`reconnect-delay`). After a lost connection, requests wait in the driver for up to this long
   * and are sent again if the server comes back; then they fail, and later ones fail at once until it is back. 0 = they
   * fail at once. Does not apply when a layer above holds requests (`OpenContext.held`). Default 0.
   */
  readonly reconnectDelay?: number;
  /** Seconds, 0 … 4294967295 (`open-timeout`): how long `open` goes on trying. 0 = one try. Default 0. */
  readonly openTimeout?: number;
  /** The most connections to use, 1 … 16, if the server promises that they see each other's writes (NBD_FLAG_CAN_MULTI_CONN). Default 1. */
  readonly connections?: number;
  /** How often to try while the server is away. */
  readonly reconnectBackoff?: BackoffOptions;
  /** Milliseconds, > 0, from dialling to the end of the handshake; a try that takes longer is given up. Default 5000. */
  readonly handshakeTimeoutMs?: number;
  /**
   * Bytes of the export that name the disk and that nobody but this driver changes, such as a GPT disk GUID
   * (offset 568, 16 bytes) or an ext4 UUID (offset 1128, 16 bytes). They are read at open and compared after every
   * reconnect: other bytes are another disk, which is refused. Writing there through the driver ends the comparison until
   * the next connection. Default: not compared.
   */
  readonly identity?: ByteRange;
  /**
   * `auto`: without TLS, requests and replies go by system calls on the socket, where the optional package `koffi` and Linux
   * are there; else by Node's streams. `node`: always those. Default `auto`.
   */
  readonly sockets?: "auto" | "node";
}

/** Options with every default filled in. */
export interface NbdDriverSettings {
  readonly server: NbdServerAddress;
  readonly exportName: string;
  readonly tlsCreds: TlsCredentials | null;
  readonly tlsHostname: string | null;
  readonly reconnectDelayMs: number;
  readonly openTimeoutMs: number;
  readonly connections: number;
  readonly reconnectBackoff: BackoffOptions;
  readonly handshakeTimeoutMs: number;
  readonly identity: ByteRange | null;
  readonly sockets: "auto" | "node";
}

const MAX_SECONDS = 0xffffffff;
const MAX_CONNECTIONS = 16;
const MAX_IDENTITY = 65536;
/** Trying a unix socket again costs this machine a few system calls; over TCP it costs others, too. */
const REFUSED_BY_UNIX_MS = 20;
const REFUSED_BY_TCP_MS = 100;
/** NBD_MAX_STRING. */
const MAX_NAME = 4096;

/**
 * Checks the options and fills in the defaults.
 * @throws RangeError or TypeError, naming the option.
 */
export function resolveOptions(options: NbdDriverOptions): NbdDriverSettings {
  checkServer(options.server);
  const { export: exportName = "", tlsCreds = null, identity = null } = options;
  if (Buffer.byteLength(exportName) > MAX_NAME) throw new RangeError(`export is over ${MAX_NAME} bytes`);
  if (exportName.includes("\0")) throw new RangeError("export has a NUL");
  if (identity !== null) {
    requireInteger("identity.offset", identity.offset, 0, Number.MAX_SAFE_INTEGER);
    requireInteger("identity.length", identity.length, 1, MAX_IDENTITY);
  }
  const handshakeTimeoutMs = options.handshakeTimeoutMs ?? 5000;
  if (!(handshakeTimeoutMs > 0)) throw new RangeError(`handshakeTimeoutMs must be > 0, not ${handshakeTimeoutMs}`);
  const refusedMaxMs = options.server.type === "unix" ? REFUSED_BY_UNIX_MS : REFUSED_BY_TCP_MS;
  const reconnectBackoff = { refusedMaxMs, ...options.reconnectBackoff };
  // Only to have its numbers checked now rather than at open.
  createBackoff(reconnectBackoff, () => 0);
  const host = options.server.type === "inet" ? options.server.host : null;
  return {
    server: options.server,
    exportName,
    tlsCreds,
    tlsHostname: options.tlsHostname ?? host,
    reconnectDelayMs: 1000 * requireSeconds("reconnectDelay", options.reconnectDelay ?? 0),
    openTimeoutMs: 1000 * requireSeconds("openTimeout", options.openTimeout ?? 0),
    connections: requireInteger("connections", options.connections ?? 1, 1, MAX_CONNECTIONS),
    reconnectBackoff,
    handshakeTimeoutMs,
    identity,
    sockets: options.sockets ?? "auto",
  };
}

function checkServer(server: NbdServerAddress): void {
  if (server.type === "inet") {
    inetFamily(server);
    if (server.host === "") throw new TypeError("server.host is empty");
    requireInteger("server.port", server.port, 1, 65535);
  } else if (server.path === "") {
    throw new TypeError("server.path is empty");
  }
}

/** Seconds may have fractions; QEMU knows whole ones only. */
function requireSeconds(name: string, value: number): number {
  if (value >= 0 && value <= MAX_SECONDS) return value;
  throw new RangeError(`${name} must be from 0 to ${MAX_SECONDS} seconds, not ${value}`);
}

function requireInteger(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`);
}
