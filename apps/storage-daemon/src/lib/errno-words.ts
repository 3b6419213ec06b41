import { getSystemErrorMap } from "node:util";

/** What strerror(3) and gai_strerror(3) say where libuv's words differ by more than the first letter. */
const STRERROR: ReadonlyMap<string, string> = new Map([
  ["EISDIR", "Is a directory"],
  ["ENOTSOCK", "Socket operation on non-socket"],
  ["EADDRINUSE", "Address already in use"],
  ["EADDRNOTAVAIL", "Cannot assign requested address"],
  ["EACCES", "Permission denied"],
  ["ENAMETOOLONG", "File name too long"],
  ["ETIMEDOUT", "Connection timed out"],
  ["ECONNRESET", "Connection reset by peer"],
  ["EHOSTUNREACH", "No route to host"],
  ["ENETUNREACH", "Network is unreachable"],
  ["ENOTFOUND", "Name or service not known"],
  ["EAI_AGAIN", "Temporary failure in name resolution"],
]);

/** The words of an errno name as the C library has them, or the name itself if nobody knows it. */
export function wordsOfErrno(code: string): string {
  const known = STRERROR.get(code);
  if (known !== undefined) return known;
  for (const [name, words] of getSystemErrorMap().values()) {
    if (name === code) return words.charAt(0).toUpperCase() + words.slice(1);
  }
  return code;
}

/** The errno name of whatever was thrown; EIO if it has none. */
export function errnoOf(thrown: unknown): string {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && typeof thrown.code === "string") {
    return thrown.code;
  }
  return "EIO";
}
