import { createBlockBackend, type BlockBackend } from "@rehandle/core";
import { createFileDriver } from "@rehandle/driver-file";
import { createMemoryDriver } from "@rehandle/driver-memory";
import { createNbdDriver, type NbdServerAddress, type TlsCredentials } from "@rehandle/driver-nbd";
import { isBlockError, type BlockDriver } from "@rehandle/driver-sdk";
import { stat } from "node:fs/promises";
import { familyOf, portOf } from "./inet-address.ts";
import type { NodeFlags } from "./node-flags.ts";
import type { NodeOptions, NodeOptionsOf, SocketAddress } from "./option-types.ts";
import { backendOptions } from "./rehandle-options.ts";
import { connectFailure, resolutionFailure } from "./socket-path.ts";
import { UsageError } from "./usage-error.ts";
import { createNullDriver } from "./null-driver.ts";
import { createWindowDriver } from "./window-driver.ts";

/** What a node's driver is made with besides its options. */
export interface DriverParts {
  readonly flags: NodeFlags;
  /** The view of the child, for drivers that have one. */
  readonly child: BlockDriver | null;
  /** @throws UsageError if there are no such credentials. */
  readonly findCredentials: (id: string) => TlsCredentials;
}

/** A driver that is not open yet. */
export interface MadeDriver {
  readonly driver: BlockDriver;
  readonly backend: BlockBackend | null;
}

/**
 * Makes the driver that a node's options ask for.
 *
 * @throws UsageError in QEMU's words
 */
export async function makeDriver(options: NodeOptions, parts: DriverParts): Promise<MadeDriver> {
  if (options.driver === "rehandle") {
    const backend = createBlockBackend(childOf(parts), backendOptions(options));
    return { driver: backend, backend };
  }
  return { driver: await makePlainDriver(options, parts), backend: null };
}

async function makePlainDriver(
  options: Exclude<NodeOptions, { driver: "rehandle" }>,
  parts: DriverParts,
): Promise<BlockDriver> {
  switch (options.driver) {
    case "memory":
      return createMemoryDriver({ size: options.size });
    case "nbd":
      return makeNbd(options, parts);
    case "null-co":
      return createNullDriver({ size: options.size, latencyMs: Number(options["latency-ns"] ?? 0) / 1e6 });
    case "raw":
      return makeRaw(options, childOf(parts));
    default:
      await checkFileType(options.driver, options.filename, parts.flags.readOnly);
      return makeFile(options, parts.flags);
  }
}

function childOf({ child }: DriverParts): BlockDriver {
  if (child === null) throw new Error("a node of this kind has a child");
  return child;
}

function makeFile(options: NodeOptionsOf<"file" | "host_device">, flags: NodeFlags): BlockDriver {
  if (options.locking === "on") throw new UsageError("locking=on is not supported: files are not locked");
  return createFileDriver({
    filename: options.filename,
    readOnly: flags.readOnly,
    autoReadOnly: flags.autoReadOnly,
    cacheDirect: flags.direct,
    discard: flags.unmap ? "unmap" : "ignore",
  });
}

/** The driver takes both kinds; QEMU has one driver for each. */
async function checkFileType(driver: "file" | "host_device", filename: string, readOnly: boolean): Promise<void> {
  const found = await stat(filename).catch(() => null);
  if (found === null) return;
  if (found.isDirectory() && !readOnly) throw new UsageError(`Could not open '${filename}': Is a directory`);
  if (driver === "file" && !found.isFile()) {
    throw new UsageError(`'file' driver requires '${filename}' to be a regular file`);
  }
  if (driver === "host_device" && !found.isBlockDevice()) {
    throw new UsageError(`'host_device' driver requires '${filename}' to be either a character or block device`);
  }
}

function makeNbd(options: NodeOptionsOf<"nbd">, { findCredentials }: DriverParts): BlockDriver {
  const credentials = options["tls-creds"];
  const hostname = options["tls-hostname"];
  const offset = options["identity-offset"];
  const length = options["identity-length"];
  if ((offset === undefined) !== (length === undefined)) {
    throw new UsageError("identity-offset and identity-length must be given together");
  }
  return createNbdDriver({
    export: options.export ?? "",
    reconnectDelay: options["reconnect-delay"],
    openTimeout: options["open-timeout"],
    connections: options.connections,
    ...(credentials === undefined ? {} : { tlsCreds: findCredentials(credentials) }),
    ...(hostname === undefined ? {} : { tlsHostname: hostname }),
    // QEMU asks for the credentials first, too.
    server: nbdAddress(options.server),
    ...(offset === undefined || length === undefined ? {} : { identity: { offset, length } }),
  });
}

function nbdAddress(server: SocketAddress): NbdServerAddress {
  if (server.type === "unix") return { type: "unix", path: server.path };
  if (server.type === "fd") throw new UsageError("server.type=fd is not supported");
  const { host, port, ipv4, ipv6, "keep-alive": keepAlive } = server;
  familyOf(server);
  if (host === "") throw resolutionFailure(`:${port}`, "ENOTFOUND");
  return {
    type: "inet",
    host,
    port: portOf(host, port),
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(keepAlive === undefined ? {} : { keepAlive }),
  };
}

/** The sizes are checked when the child's is known, which it is: children are opened first. */
function makeRaw({ offset, size }: NodeOptionsOf<"raw">, child: BlockDriver): BlockDriver {
  if (offset === 0 && size === undefined) return child;
  const { size: whole, requestAlignment } = child.capabilities;
  if (offset > whole) {
    throw new UsageError(`Offset (${offset}) cannot be greater than size of the containing file (${whole})`);
  }
  if (size !== undefined && offset + size > whole) {
    throw new UsageError(
      `The sum of offset (${offset}) and size (${size}) has to be smaller or equal to the  actual size of the ` +
        `containing file (${whole})`,
    );
  }
  if (size !== undefined && size % 512 !== 0) throw new UsageError("Specified size is not multiple of 512");
  if (offset % requestAlignment !== 0) throw new UsageError(`offset must be a multiple of ${requestAlignment}`);
  return createWindowDriver(child, { offset, ...(size === undefined ? {} : { size }) });
}

/** What `open` failed with, in QEMU's words. */
export function openFailure(options: NodeOptions, thrown: unknown): Error {
  if (thrown instanceof UsageError) return thrown;
  if (!(thrown instanceof Error)) return new UsageError(String(thrown));
  if (options.driver !== "nbd" || !isBlockError(thrown)) return new UsageError(thrown.message);
  // The system's own text behind the address becomes the C library's.
  const dial = /^Failed to connect to '(.*)': /s.exec(thrown.message);
  if (dial !== null) return connectFailure(dial[1] ?? "", thrown);
  const hints = thrown.message.includes("NBD_REP_ERR_TLS_REQD") ? ["Did you forget a valid tls-creds?"] : [];
  return new UsageError(thrown.message, null, hints);
}
