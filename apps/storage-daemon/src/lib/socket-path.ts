import { lstat, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, wordsOfErrno } from "./errno-words.ts";
import { UsageError } from "./usage-error.ts";

/** sizeof sun_path in sockaddr_un. */
const PATH_MAX = 108;

/** Errors of listening on an address that are not those of bind(2) to QEMU. */
const TCP_FAILURES: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "Failed to find an available port"],
  ["EAFNOSUPPORT", "Failed to create a socket"],
]);

/**
 * Makes way for a new unix socket: one that an earlier process left is removed, as QEMU does.
 *
 * @throws UsageError if the path is too long, or something else lies there
 */
export async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) >= PATH_MAX) {
    throw new UsageError(`UNIX socket path '${path}' is too long`, null, [`Path must be less than ${PATH_MAX} bytes`]);
  }
  try {
    // QEMU would remove a file of any kind.
    if ((await lstat(path)).isSocket()) await unlink(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT") return requireFolder(path);
    throw new UsageError(`Failed to unlink socket ${path}: ${wordsOfErrno(code)}`);
  }
}

/** libuv reports a folder that does not exist as EACCES. */
async function requireFolder(path: string): Promise<void> {
  await stat(dirname(path)).catch((error: unknown) => {
    throw listenFailure(path, error);
  });
}

/** What listening on a unix socket failed with, in QEMU's words. */
export function listenFailure(path: string, thrown: unknown): UsageError {
  return new UsageError(`Failed to bind socket to ${path}: ${wordsOfErrno(errnoOf(thrown))}`);
}

/** What listening on an address failed with, in QEMU's words. */
export function tcpListenFailure(code: string): UsageError {
  return new UsageError(`${TCP_FAILURES.get(code) ?? "Failed to bind socket"}: ${wordsOfErrno(code)}`);
}

/** What connecting failed with, in QEMU's words. */
export function connectFailure(where: string, thrown: unknown): UsageError {
  const code = errnoOf(thrown);
  if (isOfResolver(code)) return resolutionFailure(where, code);
  return new UsageError(`Failed to connect to '${where}': ${wordsOfErrno(code)}`);
}

function isOfResolver(code: string): boolean {
  return code === "ENOTFOUND" || code.startsWith("EAI_");
}

/** What looking a host and a port up failed with, in QEMU's words. */
export function resolutionFailure(where: string, code: string): UsageError {
  return new UsageError(`address resolution failed for ${where}: ${wordsOfErrno(code)}`);
}
